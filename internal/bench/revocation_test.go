package bench

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/ca"
	"chancery/cas"
	"chancery/internal/testenv"
)

const revokedAtOnce = 10_000

// BenchmarkMassRevocation revokes 10,000 certificates of one account as the
// operator does and waits until the CRL lists them all, for which
// five minutes are allowed. The certificates are written to the store directly: making
// them is not what is measured.
func BenchmarkMassRevocation(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		env := testenv.New(b)
		issueMany(b, env, revokedAtOnce)
		operator := &admin.Admin{
			Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock, RefundWindow: cas.DefaultRefundWindow,
			Wake: func() { env.Clock.Advance(0) },
		}
		b.StartTimer()
		b.ReportMetric(revokeAll(b, env, operator).Seconds(), "s-until-accepted")
		if n := untilListed(b, env); n != revokedAtOnce {
			b.Errorf("the CRL lists %d", n)
		}
	}
}

// revokeAll gives how long the operator's calls took.
func revokeAll(b *testing.B, env *testenv.Env, operator *admin.Admin) time.Duration {
	began := time.Now()
	for more := true; more; {
		done, err := operator.RevokeCertificates(b.Context(), admin.RevokeCertificates{AccountID: env.Account, Reason: "keyCompromise"})
		if err != nil {
			b.Fatal(err)
		}
		more = done.More
	}
	return time.Since(began)
}

// untilListed waits for the background work and gives the length of the CRL.
func untilListed(b *testing.B, env *testenv.Env) int {
	for env.Count("SELECT COUNT(*) FROM issuances WHERE revoked_at > 0") < revokedAtOnce {
		time.Sleep(10 * time.Millisecond)
	}
	der, err := env.CA.CRL(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	list, err := x509.ParseRevocationList(der)
	if err != nil {
		b.Fatal(err)
	}
	return len(list.RevokedCertificateEntries)
}

// issueMany writes orders with their certificates as if they had been issued.
func issueMany(b *testing.B, env *testenv.Env, many int) {
	b.Helper()
	plan := env.Grant(chancery.DefaultProduct, int64(many))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	const batch = 1000
	for first := 0; first < many; first += batch {
		env.Write(func(tx chancery.Tx) error {
			for i := range batch {
				if err := addIssued(tx, env, plan, key, first+i); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func addIssued(tx chancery.Tx, env *testenv.Env, plan chancery.Plan, key *ecdsa.PrivateKey, i int) error {
	now := env.Clock.Now()
	name := chancery.Name(fmt.Sprintf("n%d.example.test", i))
	order := chancery.Order{
		ID: chancery.NewOrderID(), AccountID: env.Account, InstanceID: chancery.NewInstanceID(), AccessKeyID: env.Key.ID,
		ProductCode: plan.ProductCode, Names: chancery.Names{name}, Method: chancery.DNS, CSR: []byte{0},
		State: chancery.Issued, CreatedAt: now, ProveBy: now, ProvedAt: now, IssuedAt: now, Version: 1,
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(int64(1_000_000 + i)), Subject: pkix.Name{CommonName: string(name)},
		DNSNames: []string{string(name)}, NotBefore: now, NotAfter: now.AddDate(0, 3, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	certificate := chancery.NewCertificate(&order, chancery.Chain{der}, leaf, chancery.Secret{}, now)
	order.CertificateID = certificate.ID
	if order.PlanID, err = tx.TakeUnit(env.Account, plan.ProductCode, order.ID, now); err != nil {
		return err
	}
	if err := tx.AddOrder(order); err != nil {
		return err
	}
	if err := addProof(tx, order, now); err != nil {
		return err
	}
	if err := tx.AddIssuance(chancery.Issuance{
		Serial: certificate.Serial, AuthorityID: ca.ID(env.CA.Issuing()), AccountID: order.AccountID, OrderID: order.ID,
		ToBeSigned: leaf.RawTBSCertificate, At: now, NotAfter: leaf.NotAfter,
	}); err != nil {
		return err
	}
	if err := tx.CompleteIssuance(certificate.Serial, der); err != nil {
		return err
	}
	return tx.AddCertificate(certificate)
}

func addProof(tx chancery.Tx, order chancery.Order, now time.Time) error {
	proof := chancery.Validation{OrderID: order.ID, AccountID: order.AccountID, Name: order.Names[0], Method: order.Method, Token: "seen"}
	if err := tx.AddValidations([]chancery.Validation{proof}); err != nil {
		return err
	}
	if err := tx.MarkProved(order.AccountID, order.ID, proof.Name, now); err != nil {
		return err
	}
	return tx.AddEvidence(order.AccountID, order.ID, []chancery.Evidence{{At: now, Method: order.Method, Name: proof.Name, Finding: chancery.Seen}})
}
