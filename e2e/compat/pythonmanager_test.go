package compat

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// pythonApplication has its contact fields, all empty.
func pythonApplication(domain string) params {
	return params{"ProductCode": chancery.DefaultProduct, "Username": "", "Phone": "", "Email": "", "Domain": domain, "ValidateType": "DNS"}
}

// A Python manager polls the state every ten seconds, publishes what that says
// and writes certificate and key to files.
func TestPythonManager(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	s := script{t, env.Tenant, current}
	const zone, domain = "example.test", "manager.example.test"
	order := s.call("CreateCertificateForPackageRequest", pythonApplication(domain))
	certificate, key := "", ""
	for poll, published := 0, false; certificate == ""; poll++ {
		if poll > 60 {
			t.Fatal("not within 600 seconds")
		}
		state := s.call("DescribeCertificateState", params{"OrderId": order.id("OrderId")})
		switch kind := state.text("Type"); kind {
		case "domain_verify":
			record := state.text("RecordDomain")
			if !strings.HasSuffix(record, "."+zone) {
				t.Fatalf("RecordDomain %q does not end in the zone", record)
			}
			if !published {
				env.Zone.Set(record, state.text("RecordType"), state.text("RecordValue"))
				published = true
			}
		case "payed", "process":
		case "certificate":
			certificate, key = state.text("Certificate"), state.text("PrivateKey")
		default:
			t.Fatalf("it gives up at %q", kind)
		}
		env.Clock.Advance(10 * time.Second)
		env.Settle()
	}
	fits(t, certificate, key, domain)

	row := s.call("ListUserCertificateOrder", params{"Keyword": domain, "Status": "ISSUED", "OrderType": "CERT"}).rows("CertificateOrderList")[0]
	if _, err := time.Parse("2006-01-02", row.text("EndDate")); err != nil {
		t.Error(err)
	}
	detail := s.call("GetUserCertificateDetail", params{"CertId": row.id("CertificateId"), "CertFilter": "false"})
	expect(t, "Cert", detail.text("Cert"), certificate)
	expect(t, "Key", detail.text("Key"), key)
}

// It gives up at verify_fail and at a product it does not have; then it cleans
// up, whatever the answers.
func TestPythonManagerGivesUp(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	s := script{t, env.Tenant, current}
	order := s.call("CreateCertificateForPackageRequest", pythonApplication("lost.example.test")).id("OrderId")
	for _, action := range []string{"CancelCertificateForPackageRequest", "DeleteCertificateRequest"} {
		// Both are for orders that wait for nothing any more.
		s.refused(action, params{"OrderId": order}, http.StatusForbidden, "OrderStateError")
	}
	s.call("CancelOrderRequest", params{"OrderId": order})
	s.call("CancelCertificateForPackageRequest", params{"OrderId": order})
	s.refused("DescribeCertificateState", params{"OrderId": order}, http.StatusNotFound, "NotFoundOrder")
	expect(t, "UsedCount", env.Quota("").UsedCount, 0)

	for product, code := range map[string]string{"symantec-ov-1-advanced": "InvalidParameter", "geotrust-dv-1-starter": "NotFoundPackage"} {
		answer := s.send("CreateCertificateForPackageRequest", pythonApplication("x.example.test").with(params{"ProductCode": product}))
		expect(t, "the code for "+product, answer.Code(), code)
	}
}

// An order whose time for the proof is over has failed.
func TestPythonManagerSeesFailure(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	s := script{t, env.Tenant, current}
	order := s.call("CreateCertificateForPackageRequest", pythonApplication("late.example.test")).id("OrderId")
	for range 9 {
		env.Clock.Advance(24 * time.Hour)
		env.Settle()
	}
	env.Clock.Advance(10 * time.Minute) // after a leap of the clock the first look fails nothing
	env.Settle()
	expect(t, "Type", s.call("DescribeCertificateState", params{"OrderId": order}).text("Type"), "verify_fail")
	s.call("DeleteCertificateRequest", params{"OrderId": order})
}
