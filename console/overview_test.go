package console_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// The overview tells of CAs that fail for the account's own orders, and the operator
// alone of CRLs that are late.
func TestOverviewTellsOfCAs(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 2)
	other := env.NewAccount()
	calm, theirs := env.Visit().SignIn(env.Tenant), env.Visit().SignIn(other)
	if page := calm.Get("/console/"); !strings.Contains(page.Body, "Nothing. Every order") || strings.Contains(page.Body, "CRL of the embedded CA is late") {
		t.Errorf("it is not calm:\n%s", page.Body)
	}
	order := chancery.OrderID(env.Apply("www.example.test"))
	fail := func(since time.Time) {
		env.Write(func(tx chancery.Tx) error {
			at, err := tx.ACMEOrder(env.Account, order)
			if err != nil {
				return err
			}
			at.FailingSince, at.Problem = since, "the CA answers <503>"
			return tx.UpdateACMEOrder(at)
		})
	}
	env.Write(func(tx chancery.Tx) error { return tx.AddACMEOrder(env.Account, order, "public-ca") })
	fail(env.Clock.Now().Add(-time.Minute))
	if page := calm.Get("/console/"); strings.Contains(page.Body, "public-ca") {
		t.Error("it tells of what may pass by itself")
	}
	fail(env.Clock.Now().Add(-time.Hour))
	env.SQL("INSERT INTO crls (authority_id, crl, issued, revoked, number, listed, partial, this_update, next_update) VALUES ('old', 0, 0, 0, 1, 0, 0, 1, 2)")
	page := calm.Get("/console/")
	for _, want := range []string{"public-ca", "1 order waits for it", "the CA answers &lt;503&gt;", `href="/console/orders?Status=CHECKING"`, "1 CRL of the embedded CA is late", `href="/console/operator/issuers"`} {
		if !strings.Contains(page.Body, want) {
			t.Errorf("the overview lacks %q", want)
		}
	}
	page = theirs.Get("/console/")
	for _, want := range []string{"public-ca", "is late", "/console/operator/issuers"} {
		if strings.Contains(page.Body, want) {
			t.Errorf("another account reads %q", want)
		}
	}
	env.SQL("DELETE FROM crls WHERE authority_id = 'old'")
	env.SQL("DELETE FROM acme_orders")
}

// Of certificates that end soon, those that end first are shown, whatever came last.
func TestOverviewShowsWhatEndsFirst(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	for _, days := range []int{9, 3, 12, 5, 20, 7, 15} {
		env.Write(func(tx chancery.Tx) error {
			c := chancery.Certificate{
				ID: chancery.CertificateID(1000 + days), AccountID: env.Account, InstanceID: chancery.NewInstanceID(), Name: "in " + string(rune('a'+days)),
				ResourceGroup: chancery.DefaultResourceGroup, CreatedAt: env.Clock.Now(),
				CertificateFacts: chancery.CertificateFacts{
					CommonName: "ends" + string(rune('a'+days)) + ".example.test", NotBefore: env.Clock.Now(), NotAfter: env.Clock.Now().AddDate(0, 0, days),
				},
			}
			return tx.AddCertificate(c)
		})
	}
	body := env.Visit().SignIn(env.Tenant).Get("/console/").Body
	got := regexp.MustCompile(`ends[a-z]\.example`).FindAllString(body, -1)
	if want := []string{"endsd.example", "endsf.example", "endsh.example", "endsj.example", "endsm.example"}; !slices.Equal(got, want) {
		t.Errorf("the overview has %q", got)
	}
	env.SQL("DELETE FROM certificates")
	for _, table := range []string{"listed", "list_blocks", "list_texts"} {
		env.SQL("DELETE FROM " + table)
	}
}
