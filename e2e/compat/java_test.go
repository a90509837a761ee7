package compat

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

// One Java client takes everything from a single look right after the
// application, which has no phone number.
func TestJavaLooksOnce(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 3)
	s := script{t, env.Tenant, current}
	for name, contact := range map[string]params{
		"nophone":   {"Username": "Ada", "Email": "ada@example.com"},
		"noemail":   {"Username": "Ada", "Phone": "13900001111"},
		"onlyphone": {"Phone": "13900001111"},
	} {
		domain := name + ".example.test"
		order := s.call("CreateCertificateForPackageRequest", contact.with(params{
			"Domain": domain, "ProductCode": chancery.DefaultProduct, "ValidateType": "DNS",
		})).id("OrderId")
		state := s.call("DescribeCertificateState", params{"OrderId": order})
		expect(t, "Type", state.text("Type"), "domain_verify")
		expect(t, "RecordType", state.text("RecordType"), "TXT")
		expect(t, "RecordDomain", state.text("RecordDomain"), "_dnsauth."+domain)
		if state.text("RecordValue") == "" {
			t.Error("RecordValue is empty")
		}
	}
	s.unserved("ApplyCertificate", "GetCertificateDetail")
}

// The other polls until there is something to publish, cuts the base domain off
// the record or serves the file, and polls on for certificate and key.
func TestJavaPolls(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 2)
	s := script{t, env.Tenant, current}
	for method, publish := range map[string]func(state object, domain string){
		"DNS": func(state object, domain string) {
			record, cut := strings.CutSuffix(state.text("RecordDomain"), "."+"example.test")
			if !cut {
				t.Fatalf("RecordDomain %q is not under the base domain", state.text("RecordDomain"))
			}
			expect(t, "the record", record, "_dnsauth."+strings.TrimSuffix(domain, ".example.test"))
			env.Zone.Set(record+".example.test", "TXT", state.text("RecordValue"))
		},
		"FILE": func(state object, domain string) {
			expect(t, "Domain", state.text("Domain"), domain)
			uri, content := state.text("Uri"), state.text("Content")
			files := http.NewServeMux()
			files.HandleFunc(uri, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, content) })
			env.Zone.Set(domain, "A", "127.0.0.1")
			env.Web.Handle(domain, files)
		},
	} {
		domain := "java" + strings.ToLower(method) + ".example.test"
		order := s.call("CreateCertificateForPackageRequest", params{"Domain": domain, "ValidateType": method}).id("OrderId")
		state := s.call("DescribeCertificateState", params{"OrderId": order})
		if !state.has("RecordDomain") && !state.has("Content") {
			t.Fatalf("there is nothing to publish at the first look: %v", state.fields)
		}
		publish(state, domain)
		for poll := 0; !state.has("Certificate"); poll++ {
			if poll == 200 {
				t.Fatalf("no certificate: %v", state.fields)
			}
			env.Clock.Advance(1200 * time.Millisecond)
			env.Settle()
			state = s.call("DescribeCertificateState", params{"OrderId": order})
		}
		if state.text("CertId") == "" {
			t.Error("CertId is empty")
		}
		fits(t, state.text("Certificate"), state.text("PrivateKey"), domain)
	}
}
