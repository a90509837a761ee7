package storetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
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
	Deleted     chancery.Certificate // of another revoked order, which keeps it without its key
	Uploaded    chancery.Certificate // an SM2 pair with both keys
	Submission  chancery.Submission  // of the order that waits for its proof
	CSR         chancery.StoredCSR   // with its key
	Keyless     chancery.StoredCSR   // without
	FromCSR     chancery.Order       // waits for its proof, to take the key of CSR
	Contact     chancery.Contact
	Company     chancery.Company
	User        chancery.User           // has UserKey and Policy, and is in Group
	UserKey     chancery.AccessKey      //
	Group       chancery.Group          // has a built-in policy
	Role        chancery.Role           // has Policy and is used by Session
	Policy      chancery.PolicyDocument //
	Session     chancery.Session        //
	Login       chancery.ConsoleLogin   // the user's
	Signed      chancery.ConsoleSession // the user's
	AuditLines  int64
	ReadyKey    chancery.ReadyKey     // of nobody
	Target      chancery.NoticeTarget // a webhook with its secret
	Notice      chancery.Notice       // goes to Target
	Delivery    chancery.Delivery     // of Notice to Target, which waits
}

// ways leads to every state from that of a new order.
var ways = map[chancery.State][]chancery.Event{
	chancery.DomainVerify: {},
	chancery.Process:      {chancery.Proved},
	chancery.Issued:       {chancery.Proved, chancery.Signed},
	chancery.Revoked:      {chancery.Proved, chancery.Signed, chancery.Recalled},
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
	e.furnishStores(t, s)
	e.furnishDeleted(t, s)
	e.furnishACME(t, s)
	e.furnishAccess(t, s)
	e.ReadyKey = readyKey(5)
	e.ReadyKey.Algorithm = chancery.ECC256
	write(t, s, func(tx chancery.Tx) error { return tx.AddReadyKey(e.ReadyKey) })
	e.furnishNotices(t, s)
	write(t, s, func(tx chancery.Tx) error { return putCRL(tx, at(5)) })
	return e
}

// furnishStores adds what an account keeps beside its orders: CSRs and an order
// made with one, an upload, a contact and a company.
func (e *Estate) furnishStores(t rapid.TB, s chancery.Store) {
	t.Helper()
	e.CSR, e.Keyless = csrOf(e.Account), csrOf(e.Account)
	e.Keyless.Key, e.Keyless.HasKey, e.Keyless.KeySHA2 = chancery.Secret{}, false, "00FF"
	e.Uploaded = uploadOf(e.Account)
	e.Contact = chancery.Contact{ID: chancery.NewID(), AccountID: e.Account, Name: "Ada", Email: "ada@example.test", Mobile: "138", Webhooks: "[]", CreatedAt: start}
	e.Company = chancery.Company{ID: chancery.NewID(), AccountID: e.Account, Name: "Example", Type: 1, Code: "9133", Country: "CN", CreatedAt: start}
	e.FromCSR = draft(e.Account)
	e.FromCSR.CSR, e.FromCSR.CSRID = []byte("request"), e.CSR.ID
	write(t, s, func(tx chancery.Tx) (err error) {
		e.FromCSR, err = open(tx, e.FromCSR, start)
		return errors.Join(
			err, tx.AddCSR(e.CSR), tx.AddCSR(e.Keyless), tx.AddCertificate(e.Uploaded), tx.AddContact(e.Contact), tx.AddCompany(e.Company),
		)
	})
}

// furnishDeleted has the account delete the certificate of another revoked order.
func (e *Estate) furnishDeleted(t rapid.TB, s chancery.Store) {
	t.Helper()
	order := live(t, s, e.Account, ways[chancery.Revoked]...)
	write(t, s, func(tx chancery.Tx) error { return tx.DeleteCertificate(e.Account, order.CertificateID, at(4)) })
	e.Deleted = answer(t, s, func(tx chancery.Tx) (chancery.Certificate, error) { return tx.CertificateOfOrder(e.Account, order.ID) })
}

// furnishAccess adds who may do what, and lines of who did.
func (e *Estate) furnishAccess(t rapid.TB, s chancery.Store) {
	t.Helper()
	e.User, e.Policy = userOf(e.Account, "ada"), policyOf(e.Account, "reading")
	e.Group = chancery.Group{ID: chancery.NewID(), AccountID: e.Account, Name: "ops", CreatedAt: start}
	e.Role = roleNamed(e.Account, "deployer")
	e.UserKey = chancery.NewAccessKey(e.Account, start)
	e.UserKey.UserID = e.User.ID
	e.Session = draftSession(e.Role, start)
	e.Login = chancery.ConsoleLogin{
		AccountID: e.Account, UserID: e.User.ID, Hash: "$argon2id$", ChangedAt: start, TOTP: chancery.NewSecret([]byte("of an authenticator")), TOTPStep: 7,
	}
	e.Signed = draftConsoleSession(e.User)
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(
			tx.AddUser(e.User), tx.AddAccessKey(e.UserKey), tx.AddGroup(e.Group), tx.AddMember(e.Account, e.Group.ID, e.User.ID),
			tx.AddRole(e.Role), tx.AddSession(e.Session), tx.PutConsoleLogin(e.Login), tx.AddConsoleSession(e.Signed), tx.AddPolicy(e.Policy),
			tx.AttachPolicy(attachment(e.User.Principal(), e.Policy.Name)), tx.AttachPolicy(attachment(principalOf(e.Role), e.Policy.Name)),
			tx.AttachPolicy(attachment(e.Group.Principal(), "AliyunYundunCertReadOnlyAccess")),
		)
	})
	e.AuditLines = 4
	for i := range int(e.AuditLines) {
		write(t, s, func(tx chancery.Tx) error { return tx.AppendAudit(line(e.Account, i+1)) })
	}
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
	return liveAs(t, s, draft(account), events...)
}

// liveAs is live for an order that the test has drafted.
func liveAs(t rapid.TB, s chancery.Store, order chancery.Order, events ...chancery.Event) chancery.Order {
	t.Helper()
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
		Names: namesOf(id), Method: chancery.DNS,
		Applicant: chancery.Applicant{Username: "Ada", Phone: "13800000000", Email: "ada@example.test"},
		Tags:      []chancery.Tag{{Key: "team", Value: "web"}},
		State:     chancery.DomainVerify, CreatedAt: start, ProveBy: at(7 * 24 * 60), Version: 1,
	}
}

// namesOf are two, so that an order has two proofs to wait for.
func namesOf(id chancery.OrderID) chancery.Names {
	host := chancery.Name(fmt.Sprintf("host-%d.example.test", id))
	return chancery.Names{host, "www." + host}
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
	if err := tx.AddValidations(validationsOf(o)); err != nil {
		return o, err
	}
	return o, tx.AddStep(chancery.Step{Kind: chancery.AdvanceOrder, AccountID: o.AccountID, OrderID: o.ID, DueAt: now})
}

func validationsOf(o chancery.Order) (list []chancery.Validation) {
	for _, name := range o.Names {
		list = append(list, chancery.Validation{
			OrderID: o.ID, AccountID: o.AccountID, Name: name.Base(), Method: o.Method, Token: fmt.Sprintf("token-%d", o.ID),
		})
	}
	return list
}

func lookAt(o chancery.Order, finding chancery.Finding, now time.Time) chancery.Evidence {
	return chancery.Evidence{At: now, Method: o.Method, Name: o.Names.Common().Base(), Where: "resolver 192.0.2.53:53", Finding: finding}
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
		err = prove(tx, o, now)
	case chancery.Signed:
		o.IssuedAt = now
		o.CertificateID, err = issue(tx, o, now)
	case chancery.TimedOut, chancery.Refused, chancery.Rejected:
		o.Reason = "it " + string(event)
	case chancery.Removed:
		err = tx.ReturnUnit(o.AccountID, o.ID, now)
	case chancery.Recalled:
		err = revoke(tx, o, now)
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

// prove keeps that the proof of every name was seen.
func prove(tx chancery.Tx, o chancery.Order, now time.Time) error {
	for _, name := range o.Names {
		look := lookAt(o, chancery.Seen, now)
		look.Name = name.Base()
		if err := tx.AddEvidence(o.AccountID, o.ID, []chancery.Evidence{look}); err != nil {
			return err
		}
		if err := tx.MarkProved(o.AccountID, o.ID, look.Name, now); err != nil {
			return err
		}
	}
	return nil
}

// revoke revokes the order's certificate, and in the embedded CA's record too.
func revoke(tx chancery.Tx, o chancery.Order, now time.Time) error {
	c, err := tx.CertificateOfOrder(o.AccountID, o.ID)
	if err != nil {
		return err
	}
	c.RevokedAt, c.RevokeReason = now, chancery.Superseded
	if err := tx.UpdateCertificate(c); err != nil {
		return err
	}
	if err := tx.RevokeIssuance(c.Serial, now, chancery.Superseded); err != nil {
		return err
	}
	return tx.ReturnUnit(o.AccountID, o.ID, now)
}

func endWork(tx chancery.Tx, o chancery.Order) error {
	if err := tx.DeleteOrderSteps(o.AccountID, o.ID); err != nil {
		return err
	}
	return tx.DeleteOrderKey(o.AccountID, o.ID)
}

// issue records a certificate for the order the way the embedded CA does.
func issue(tx chancery.Tx, o chancery.Order, now time.Time) (chancery.CertificateID, error) {
	leaf, err := mint(o.Names)
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

// authority is the one that the suite's records name. It signs CRLs and nothing else.
var authority = sync.OnceValue(func() chancery.Authority {
	key := leafKey().signer
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: start, NotAfter: start.AddDate(10, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return chancery.Authority{
		ID: "00112233445566778899aabbccddeeff", Kind: chancery.IssuingAuthority,
		Certificate: der, Key: chancery.NewSecret([]byte("authority's key")), CreatedAt: start,
	}
})

func addAuthorityOnce(tx chancery.Tx) error {
	known, err := tx.Authorities()
	if err != nil || len(known) > 0 {
		return err
	}
	return tx.AddAuthority(authority())
}

// putCRL makes the next number of the authority's CRL, which lists what is revoked.
func putCRL(tx chancery.Tx, now time.Time) error {
	crl, err := tx.CRL(authority().ID, 0)
	if err != nil {
		return err
	}
	revoked, err := tx.RevokedIssuances(crl.AuthorityID, crl.Partition, now)
	if err != nil {
		return err
	}
	crl.Number, crl.Listed, crl.ThisUpdate, crl.NextUpdate = crl.Number+1, crl.Revoked, now, now.AddDate(0, 0, 7)
	if crl.DER, err = crlOf(crl, revoked); err != nil {
		return err
	}
	return tx.PutCRL(crl)
}

func crlOf(crl chancery.CRL, revoked []chancery.Issuance) ([]byte, error) {
	template := &x509.RevocationList{Number: big.NewInt(crl.Number), ThisUpdate: crl.ThisUpdate, NextUpdate: crl.NextUpdate}
	for _, issuance := range revoked {
		serial, _ := new(big.Int).SetString(issuance.Serial, 16)
		template.RevokedCertificateEntries = append(template.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: serial, RevocationTime: issuance.RevokedAt, ReasonCode: int(issuance.Reason),
		})
	}
	issuer, err := x509.ParseCertificate(authority().Certificate)
	if err != nil {
		return nil, fmt.Errorf("reading the authority: %w", err)
	}
	return x509.CreateRevocationList(rand.Reader, template, issuer, leafKey().signer)
}

// issuanceOf is the record of an intent to sign for the order.
func issuanceOf(o chancery.Order, serial string) chancery.Issuance {
	return chancery.Issuance{
		Serial: serial, AuthorityID: authority().ID, AccountID: o.AccountID, OrderID: o.ID, ToBeSigned: []byte("to be signed"),
		At: start, NotAfter: start.AddDate(0, 3, 0),
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
	text, _, err := chancery.NewKeyAndCSR(key, chancery.Names{"leaf.example.test"})
	if err != nil {
		panic(err)
	}
	return madeKey{key, text}
})

// mint makes a certificate for the names, signed by its own key.
func mint(names chancery.Names) (*x509.Certificate, error) {
	key := leafKey().signer
	template := &x509.Certificate{
		SerialNumber: big.NewInt(chancery.NewID()), DNSNames: names.Strings(),
		NotBefore: start, NotAfter: start.AddDate(0, 3, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("making a certificate: %w", err)
	}
	return x509.ParseCertificate(der)
}

// csrOf is an entry of an account's CSR store that is not there yet.
func csrOf(account chancery.AccountID) chancery.StoredCSR {
	return chancery.StoredCSR{
		ID: chancery.CSRID(chancery.NewID()), AccountID: account, Name: "request", CommonName: "www.example.test", SANs: "www.example.test",
		Algorithm: "ECC", KeySize: 256, PEM: "a request", KeySHA2: "FF00", Key: leafKey().text, HasKey: true, CreatedAt: start,
	}
}

// uploadOf is an SM2 pair that an account could upload.
func uploadOf(account chancery.AccountID) chancery.Certificate {
	id := chancery.NewCertificateID()
	return chancery.Certificate{
		ID: id, AccountID: account, InstanceID: fmt.Sprintf("upload-%d", id), Name: fmt.Sprintf("upload-%d", id),
		CertificateFacts: chancery.CertificateFacts{
			Serial: "00fe", Fingerprint: "AA", SHA2: "BB", CommonName: "mail.example.test", SANs: "mail.example.test,example.test",
			Issuer: "Some CA", Organization: "Example", Country: "CN", Province: "Zhejiang", City: "Hangzhou", Algorithm: "SM2",
			NotBefore: start, NotAfter: start.AddDate(0, 3, 0),
		},
		PEM: "the pair", SM2: chancery.SM2Pairs{
			SignPEM: "for signing", SignKey: chancery.NewSecret([]byte("signs")),
			EncryptPEM: "for encryption", EncryptKey: chancery.NewSecret([]byte("encrypts")),
		},
		ResourceGroup: "rg-1", Tags: []chancery.Tag{{Key: "kept", Value: "here"}}, CreatedAt: start,
	}
}

// furnishNotices adds a target and a notice of the failed order, which waits to be delivered.
func (e *Estate) furnishNotices(t rapid.TB, s chancery.Store) {
	t.Helper()
	e.Target = targetFor(e.Account)
	e.Notice = chancery.NewFailedOrder(e.Orders[chancery.VerifyFail], at(3))
	write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddNoticeTarget(e.Target), tx.AddNotice(e.Notice)) })
	told := noticesOf(t, s, e.Account)
	e.Notice, e.Delivery = told.Notices[0], told.Deliveries[0]
}
