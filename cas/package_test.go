package cas_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/internal/testenv"
)

const ov = "symantec-ov-1-personal"

// applyForPackage sends a package application that must be taken.
func applyForPackage(t *testing.T, env *testenv.Env, in cas.CreateCertificateForPackageRequestInput) int64 {
	t.Helper()
	var out cas.CreateOutput
	env.Call("CreateCertificateForPackageRequest", in).Decode(&out)
	return out.OrderId
}

// verbose reads an order with its proofs.
func verbose(env *testenv.Env, order int64) (out cas.DescribeCertificateStateOutput) {
	env.Call("DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: order, Verbose: true}).Decode(&out)
	return out
}

// leafOf parses the first certificate of a PEM text.
func leafOf(t *testing.T, text string) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatalf("not PEM: %q", text)
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// csrFor makes a request for one name in PEM.
func csrFor(t *testing.T, name chancery.Name) string {
	t.Helper()
	key, err := chancery.GenerateKey(chancery.ECC256)
	if err != nil {
		t.Fatal(err)
	}
	_, der, err := chancery.NewKeyAndCSR(key, chancery.Names{name})
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))
}

// desk is the operator of the environment.
func desk(env *testenv.Env) *admin.Admin {
	return &admin.Admin{Store: env.Store, Catalogue: testenv.Products(), Clock: env.Clock}
}

func TestEveryNameIsProvedAtItsOwnPlace(t *testing.T) {
	for _, test := range []struct{ method, product, names string }{
		{"DNS", single, "a.example.test,b.example.test,c.example.test,d.example.test,e.example.test"},
		{"FILE", single, "www.example.test, example.test"},
		{"DNS", wildcard, "*.a.example.test,*.b.example.test"},
	} {
		t.Run(test.method+" "+test.names, func(t *testing.T) {
			env := testenv.New(t)
			env.Grant(test.product, 1)
			order := applyForPackage(t, env, cas.CreateCertificateForPackageRequestInput{Domain: test.names, ProductCode: test.product, ValidateType: test.method})
			names := strings.Split(strings.ReplaceAll(test.names, " ", ""), ",")
			state := verbose(env, order)
			if len(state.Proofs) != len(names) {
				t.Fatalf("%d proofs for %d names", len(state.Proofs), len(names))
			}
			for i, p := range state.Proofs {
				base := strings.TrimPrefix(names[i], "*.")
				if p.Domain != base || p.RecordValue+p.Content != state.RecordValue+state.Content || p.ProveTime != 0 {
					t.Errorf("proof %d is %+v", i, p)
				}
				// One proof after the other: the answer names the first that is open.
				if shown := env.State(order); shown.RecordDomain+shown.Domain != p.RecordDomain+hostOf(p) {
					t.Errorf("with %d proofs published, %s%s is shown", i, shown.RecordDomain, shown.Domain)
				}
				if p.ValidateType == "DNS" {
					env.Zone.Set(p.RecordDomain, "TXT", p.RecordValue)
				} else {
					env.Zone.Set(p.Domain, "A", "127.0.0.1")
					env.Web.Put(p.Domain, p.Content)
				}
				awaitProofs(t, env, order, i+1)
			}
			env.Await(order, chancery.Issued)
			if leaf := leafOf(t, env.State(order).Certificate); !slices.Equal(leaf.DNSNames, names) || leaf.Subject.CommonName != names[0] {
				t.Errorf("the certificate names %v, common name %s", leaf.DNSNames, leaf.Subject.CommonName)
			}
		})
	}
}

func hostOf(p cas.Proof) string {
	if p.ValidateType == "FILE" {
		return p.Domain
	}
	return ""
}

// awaitProofs moves the clock from look to look until so many names are proved.
func awaitProofs(t *testing.T, env *testenv.Env, order int64, want int) {
	t.Helper()
	for range 100 {
		proved := 0
		state := verbose(env, order)
		for _, p := range state.Proofs {
			if p.ProveTime > 0 {
				proved++
			}
		}
		if proved == want {
			return
		}
		env.Clock.Advance(5 * time.Second)
		env.Settle()
	}
	t.Fatalf("%d names were not proved: %+v", want, verbose(env, order).Looks)
}

func TestPackageApplicationsThatAreRefused(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 5)
	env.Grant(wildcard, 5)
	env.Grant(ov, 5)
	for _, test := range []struct {
		name   string
		in     cas.CreateCertificateForPackageRequestInput
		code   string
		status int
		says   string
	}{
		{"neither names nor a request", cas.CreateCertificateForPackageRequestInput{}, "MissingParameter", 400, "Domain or Csr"},
		{"six names", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test,b.example.test,c.example.test,d.example.test,e.example.test,f.example.test"}, "InvalidParameter", 400, "up to 5 names"},
		{"a name twice", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test,A.example.test"}, "InvalidParameter", 400, "given twice"},
		{"a plain name beside a wildcard", cas.CreateCertificateForPackageRequestInput{Domain: "*.example.test,example.test", ProductCode: wildcard}, "InvalidParameter", 400, "all plain or all wildcards"},
		{"plain names for a wildcard product", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test,b.example.test", ProductCode: wildcard}, "InvalidParameter", 400, "wildcard names"},
		{"files for wildcards", cas.CreateCertificateForPackageRequestInput{Domain: "*.a.example.test", ProductCode: wildcard, ValidateType: "FILE"}, "InvalidParameter", 400, "a file cannot prove"},
		{"an empty name in the list", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test,,b.example.test"}, "InvalidParameter", 400, "is empty"},
		{"OV without any company", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test", ProductCode: ov}, "InvalidParameter", 400, "add one with CreateCompany"},
		{"OV for a company that is not the account's", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test", ProductCode: ov, CompanyName: "Nobody Ltd"}, "InvalidParameter", 400, "no company of the name given"},
		{"OV by the DV call", cas.CreateCertificateForPackageRequestInput{Domain: "a.example.test", ProductCode: "no-such"}, "InvalidParameter", 400, "is not offered"},
	} {
		t.Run(test.name, func(t *testing.T) {
			unchanged(t, env, func() {
				check(t, env.Call("CreateCertificateForPackageRequest", test.in), test.code, test.status, test.says)
			})
		})
	}
	dv := testenv.Application("a.example.test")
	dv.ProductCode = ov
	check(t, env.Call("CreateCertificateRequest", dv), "InvalidParameter", 400, "CreateCertificateForPackageRequest for all")
}

func TestContactAndCompanyStandIn(t *testing.T) {
	env := testenv.New(t)
	env.Grant(ov, 3)
	env.Grant(single, 3)
	bare := applyForPackage(t, env, cas.CreateCertificateForPackageRequestInput{Domain: "bare.example.test"})
	if got := env.Order(bare).Applicant; got != (chancery.Applicant{}) {
		t.Errorf("without contacts the applicant is %+v", got)
	}
	addContact(env, cas.CreateContactInput{Name: "Old", Mobile: "1"})
	env.Clock.Advance(time.Second)
	addContact(env, cas.CreateContactInput{Name: "New", Mobile: "2", Email: "new@example.com"})
	company := newCompany()
	addCompany(env, company)
	order := env.Order(applyForPackage(t, env, cas.CreateCertificateForPackageRequestInput{Domain: "www.example.test", ProductCode: ov, Phone: "999"}))
	want := chancery.Applicant{Username: "New", Phone: "999", Email: "new@example.com"}
	if order.Applicant != want || order.Company != company.CompanyName || order.Review != chancery.ReviewPending {
		t.Errorf("the order is by %+v of %q, review %q", order.Applicant, order.Company, order.Review)
	}
	dv := env.Order(applyForPackage(t, env, cas.CreateCertificateForPackageRequestInput{Domain: "dv.example.test", CompanyName: "ignored"}))
	if dv.Company != "" || dv.Review != chancery.NoReview {
		t.Errorf("a DV order has company %q, review %q", dv.Company, dv.Review)
	}
}

func TestTheOperatorReviews(t *testing.T) {
	env := testenv.New(t)
	env.Grant(ov, 2)
	addCompany(env, newCompany())
	apply := func(domain string) int64 {
		order := applyForPackage(t, env, cas.CreateCertificateForPackageRequestInput{Domain: domain, ProductCode: ov})
		if _, err := desk(env).Approve(t.Context(), admin.Decision{OrderID: chancery.OrderID(order)}); err == nil {
			t.Error("an order was approved before it was proved")
		}
		env.Publish(order)
		env.Clock.Advance(2 * time.Second)
		env.Await(order, chancery.Process)
		env.Clock.Advance(2 * time.Hour)
		env.Settle()
		if state := verbose(env, order); state.Type != "process" || !state.Order.UnderReview {
			t.Errorf("an order under review is %+v", state)
		}
		return order
	}
	good, bad := apply("good.example.test"), apply("bad.example.test")
	waiting, err := desk(env).ListReviews(t.Context(), admin.Nothing{})
	if err != nil || len(waiting) != 2 || int64(waiting[0].OrderID) != good || waiting[1].Names[0] != "bad.example.test" || waiting[0].Company == "" {
		t.Fatalf("the desk shows %+v, %v", waiting, err)
	}
	if _, err := desk(env).Approve(t.Context(), admin.Decision{OrderID: chancery.OrderID(good)}); err != nil {
		t.Fatal(err)
	}
	env.Clock.Advance(time.Second)
	env.Await(good, chancery.Issued)
	if _, err := desk(env).Reject(t.Context(), admin.Decision{OrderID: chancery.OrderID(bad)}); err == nil {
		t.Error("an order was rejected without a reason")
	}
	if _, err := desk(env).Reject(t.Context(), admin.Decision{OrderID: chancery.OrderID(bad), Reason: "the company does not answer"}); err != nil {
		t.Fatal(err)
	}
	if state := env.State(bad); state.Type != "verify_fail" || state.Reason != "the company does not answer" {
		t.Errorf("the rejected order is %+v", state)
	}
	for _, order := range []int64{good, bad, 1} {
		if _, err := desk(env).Approve(t.Context(), admin.Decision{OrderID: chancery.OrderID(order)}); err == nil {
			t.Errorf("order %d was approved again", order)
		}
	}
}

func TestReviewOfADVProduct(t *testing.T) {
	products := testenv.Products()
	products[0].Review = true
	env := testenv.New(t, testenv.WithProducts(products...))
	env.Grant(single, 1)
	order := env.Apply("www.example.test")
	env.Publish(order)
	env.Clock.Advance(2 * time.Second)
	env.Await(order, chancery.Process)
	if _, err := desk(env).Approve(t.Context(), admin.Decision{OrderID: chancery.OrderID(order)}); err != nil {
		t.Fatal(err)
	}
	env.Clock.Advance(time.Second)
	env.Await(order, chancery.Issued)
}

func TestRenewal(t *testing.T) {
	env := testenv.New(t)
	env.Grant(single, 3)
	old := env.Issue("www.example.test")
	renew := func(in cas.RenewCertificateOrderForPackageRequestInput) testenv.Answer {
		in.OrderId = old
		return env.Call("RenewCertificateOrderForPackageRequest", in)
	}
	refused := func(says string) {
		t.Helper()
		unchanged(t, env, func() {
			check(t, renew(cas.RenewCertificateOrderForPackageRequestInput{}), "OrderStateError", 403, says)
		})
	}
	refused("in its last 30 days")
	env.Clock.Advance(61 * 24 * time.Hour)
	env.Settle()
	unchanged(t, env, func() {
		check(t, renew(cas.RenewCertificateOrderForPackageRequestInput{Csr: csrFor(t, "other.example.test")}), "InvalidParameter", 400, "the order to renew is for")
	})
	var out cas.CreateOutput
	renew(cas.RenewCertificateOrderForPackageRequestInput{Tags: []cas.Tag{{Key: "renewed", Value: "yes"}}}).Decode(&out)
	order := env.Order(out.OrderId)
	if out.OrderId == old || int64(order.Renews) != old || order.Names.String() != "www.example.test" || order.State != chancery.DomainVerify || len(order.Tags) != 1 {
		t.Errorf("the renewal is %+v", order)
	}
	if again := renew(cas.RenewCertificateOrderForPackageRequestInput{Tags: []cas.Tag{{Key: "renewed", Value: "yes"}}}); !strings.Contains(again.Body, fmt.Sprint(out.OrderId)) {
		t.Errorf("the same renewal again: %s", again.Body)
	}
	if quota := env.Quota(single); quota.UsedCount != 2 {
		t.Errorf("%d units are used", quota.UsedCount)
	}
	env.Publish(out.OrderId)
	env.Clock.Advance(time.Second)
	env.Await(out.OrderId, chancery.Issued)
	env.Clock.Advance(31 * 24 * time.Hour)
	env.Settle()
	refused("EXPIRED")
	withdrawn := env.Apply("withdrawn.example.test")
	env.Call("CancelOrderRequest", cas.OrderInput{OrderId: withdrawn})
	check(t, env.Call("RenewCertificateOrderForPackageRequest", cas.RenewCertificateOrderForPackageRequestInput{OrderId: withdrawn}), "OrderStateError", 403, "only an issued order")
	check(t, env.Call("RenewCertificateOrderForPackageRequest", cas.RenewCertificateOrderForPackageRequestInput{OrderId: 1}), "NotFoundOrder", 404, "")
}
