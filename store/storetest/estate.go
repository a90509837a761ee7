package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"math/big"
	"sync"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

// product is the one that the suite's accounts apply for.
const product = chancery.DefaultProduct

// Estate is what one account may have, all of it sound: a key, a plan, an order
// in every state, and what belongs to them.
type Estate struct {
	Account     chancery.AccountID
	AccessKey   chancery.AccessKey
	Plan        chancery.Plan
	Orders      map[chancery.State]chancery.Order
	Certificate chancery.Certificate // of the issued order
	Submission  chancery.Submission  // of the order that waits for its proof
}

// ways leads to every state from that of a new order.
var ways = map[chancery.State][]chancery.Event{
	chancery.DomainVerify: {},
	chancery.Process:      {chancery.Proved},
	chancery.Issued:       {chancery.Proved, chancery.Signed},
	chancery.VerifyFail:   {chancery.TimedOut},
	chancery.Payed:        {chancery.Withdrawn},
	chancery.Deleted:      {chancery.Withdrawn, chancery.Removed},
}

// Furnish gives the store an account with an order in every state.
func Furnish(t rapid.TB, s chancery.Store) Estate {
	t.Helper()
	e := Estate{Account: newAccount(t, s), Orders: map[chancery.State]chancery.Order{}}
	e.AccessKey = chancery.NewAccessKey(e.Account, start)
	write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(e.AccessKey) })
	e.Plan = grant(t, s, chancery.Plan{AccountID: e.Account, Total: 10, ExpiresAt: at(600)})
	for state, way := range ways {
		e.Orders[state] = live(t, s, e.Account, way...)
	}
	waiting := e.Orders[chancery.DomainVerify]
	e.Submission = chancery.Submission{
		AccountID: e.Account, Key: []byte("the same again"), Content: []byte("content"), OrderID: waiting.ID,
		CreatedAt: start, ExpiresAt: at(60),
	}
	write(t, s, func(tx chancery.Tx) error {
		if err := tx.PutSubmission(e.Submission); err != nil {
			return err
		}
		return tx.AddOrderKey(keyOf(waiting))
	})
	e.Certificate = answer(t, s, func(tx chancery.Tx) (chancery.Certificate, error) {
		return tx.Certificate(e.Account, e.Orders[chancery.Issued].CertificateID)
	})
	e.Certificate.Key = leafKey().text
	return e
}

// newAccount adds an account; what a test does in it no other test sees.
func newAccount(t rapid.TB, s chancery.Store) chancery.AccountID {
	t.Helper()
	account := chancery.Account{ID: chancery.NewAccountID(), Name: "tenant", CreatedAt: start}
	write(t, s, func(tx chancery.Tx) error { return tx.AddAccount(account) })
	return account.ID
}

// grant adds a plan, of the suite's product and granted at the start unless it
// says otherwise.
func grant(t rapid.TB, s chancery.Store, p chancery.Plan) chancery.Plan {
	t.Helper()
	if p.ProductCode == "" {
		p.ProductCode = product
	}
	if p.GrantedAt.IsZero() {
		p.GrantedAt = start
	}
	write(t, s, func(tx chancery.Tx) (err error) {
		p, err = tx.AddPlan(p)
		return err
	})
	return p
}

// live opens an order and lets the events happen to it, a minute apart.
func live(t rapid.TB, s chancery.Store, account chancery.AccountID, events ...chancery.Event) chancery.Order {
	t.Helper()
	order := draft(account)
	write(t, s, func(tx chancery.Tx) (err error) {
		order, err = open(tx, order, order.CreatedAt)
		return err
	})
	for i, event := range events {
		write(t, s, func(tx chancery.Tx) error {
			changed, err := happen(tx, order, event, at(i+1))
			if err == nil {
				order = changed
			}
			return err
		})
	}
	return order
}

// draft is an order that is not in the store yet.
func draft(account chancery.AccountID) chancery.Order {
	id := chancery.NewOrderID()
	return chancery.Order{
		ID: id, AccountID: account, InstanceID: chancery.NewInstanceID(), AccessKeyID: "CHANkey", ProductCode: product,
		Name: chancery.Name(fmt.Sprintf("host-%d.example.test", id)), Method: chancery.DNS,
		Applicant: chancery.Applicant{Username: "Ada", Phone: "13800000000", Email: "ada@example.test"},
		Tags:      []chancery.Tag{{Key: "team", Value: "web"}},
		State:     chancery.DomainVerify, CreatedAt: start, ProveBy: at(7 * 24 * 60), Version: 1,
	}
}

// open writes all rows of a new order, as an application does.
func open(tx chancery.Tx, o chancery.Order, now time.Time) (chancery.Order, error) {
	plan, err := tx.TakeUnit(o.AccountID, o.ProductCode, o.ID, now)
	if err != nil {
		return o, err
	}
	o.PlanID = plan
	if err := tx.AddOrder(o); err != nil {
		return o, err
	}
	if err := tx.AddValidation(validationOf(o)); err != nil {
		return o, err
	}
	return o, tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: o.AccountID, OrderID: o.ID, DueAt: now})
}

func validationOf(o chancery.Order) chancery.Validation {
	return chancery.Validation{
		OrderID: o.ID, AccountID: o.AccountID, Name: o.Name.Base(), Method: o.Method, Token: fmt.Sprintf("token-%d", o.ID),
	}
}

func lookAt(o chancery.Order, finding chancery.Finding, now time.Time) chancery.Evidence {
	return chancery.Evidence{At: now, Method: o.Method, Name: o.Name.Base(), Where: "resolver 192.0.2.53:53", Finding: finding}
}

func keyOf(o chancery.Order) chancery.OrderKey {
	return chancery.OrderKey{OrderID: o.ID, AccountID: o.AccountID, Key: leafKey().text, CSR: []byte("request"), CreatedAt: start}
}

// happen lets an event change an order with all that comes with it, as the
// operations and the background steps do, and gives the order as it is then.
func happen(tx chancery.Tx, o chancery.Order, event chancery.Event, now time.Time) (chancery.Order, error) {
	if err := o.Apply(event); err != nil {
		return o, err
	}
	var err error
	switch event {
	case chancery.Proved:
		o.ProvedAt = now
		err = tx.AddEvidence(o.AccountID, o.ID, []chancery.Evidence{lookAt(o, chancery.Seen, now)})
	case chancery.Signed:
		o.IssuedAt = now
		o.CertificateID, err = issue(tx, o, now)
	case chancery.TimedOut, chancery.Refused:
		o.Reason = "it " + string(event)
	case chancery.Removed:
		err = tx.ReturnUnit(o.AccountID, o.ID, now)
	}
	if err != nil {
		return o, err
	}
	if !o.Open() {
		err = endWork(tx, o)
	}
	if err == nil {
		err = tx.UpdateOrder(o)
	}
	o.Version++
	return o, err
}

func endWork(tx chancery.Tx, o chancery.Order) error {
	if err := tx.DeleteOrderSteps(o.AccountID, o.ID); err != nil {
		return err
	}
	return tx.DeleteOrderKey(o.AccountID, o.ID)
}

// issue records a certificate for the order the way the embedded CA does.
func issue(tx chancery.Tx, o chancery.Order, now time.Time) (chancery.CertificateID, error) {
	leaf, err := mint(o.Name)
	if err != nil {
		return 0, err
	}
	if err := addAuthorityOnce(tx); err != nil {
		return 0, err
	}
	if err := tx.AddIssuance(issuanceOf(o, chancery.SerialHex(leaf.SerialNumber))); err != nil {
		return 0, err
	}
	if err := tx.CompleteIssuance(chancery.SerialHex(leaf.SerialNumber), leaf.Raw); err != nil {
		return 0, err
	}
	certificate := chancery.NewCertificate(&o, chancery.Chain{leaf.Raw}, leaf, leafKey().text, now)
	return certificate.ID, tx.AddCertificate(certificate)
}

// authority is the one that the suite's records name; nothing is signed with it.
var authority = chancery.Authority{
	ID: "00112233445566778899aabbccddeeff", Kind: chancery.IssuingAuthority,
	Certificate: []byte("certificate"), Key: chancery.NewSecret([]byte("authority's key")), CreatedAt: start,
}

func addAuthorityOnce(tx chancery.Tx) error {
	known, err := tx.Authorities()
	if err != nil || len(known) > 0 {
		return err
	}
	return tx.AddAuthority(authority)
}

// issuanceOf is the record of an intent to sign for the order.
func issuanceOf(o chancery.Order, serial string) chancery.Issuance {
	return chancery.Issuance{
		Serial: serial, AuthorityID: authority.ID, AccountID: o.AccountID, OrderID: o.ID, ToBeSigned: []byte("to be signed"), At: start,
	}
}

// newSerial is a serial as records write it.
func newSerial() string { return chancery.SerialHex(big.NewInt(chancery.NewID())) }

// madeKey is a private key and its PEM.
type madeKey struct {
	signer *ecdsa.PrivateKey
	text   chancery.Secret
}

// leafKey is the key of all the suite's certificates.
var leafKey = sync.OnceValue(func() madeKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	text, _, err := chancery.NewKeyAndCSR(key, "leaf.example.test")
	if err != nil {
		panic(err)
	}
	return madeKey{key, text}
})

// mint makes a certificate for the name, signed by its own key.
func mint(name chancery.Name) (*x509.Certificate, error) {
	key := leafKey().signer
	template := &x509.Certificate{
		SerialNumber: big.NewInt(chancery.NewID()), DNSNames: []string{string(name)},
		NotBefore: start, NotAfter: start.AddDate(0, 3, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}
