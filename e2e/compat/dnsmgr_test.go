package compat

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chancery/internal/testcert"
	"chancery/internal/testenv"
	"chancery/signature"
)

// dnsmgr has a client of its own: V1, POST, all in the form with + for a blank,
// and a nonce of eight characters.
func dnsmgr(r *testenv.Request) {
	r.Options.Scheme, r.Options.Format, r.Place = signature.V1, "JSON", testenv.InForm
	r.Options.Nonce = strings.ToLower(rand.Text()[:8])
	r.Tamper = func(w *testenv.Wire) {
		if w.Query != "" || strings.Contains(w.Body, "%20") {
			panic("dnsmgr has all in the form and + for blanks")
		}
	}
}

// It looks for its certificate, uploads it when it is not there, and shows the
// message when the name is taken.
func TestDnsmgrDeploys(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, dnsmgr}
	empty := s.call("ListUserCertificateOrder", nil) // its login test
	expect(t, "TotalCount", empty.number("TotalCount"), 0)
	expect(t, "rows", len(empty.rows("CertificateOrderList")), 0)

	const cn = "dnsmgr.example.test"
	p := testcert.New(t, env.Clock.Now(), cn)
	look := params{"Keyword": cn, "OrderType": "CERT"}
	expect(t, "TotalCount", s.call("ListUserCertificateOrder", look).number("TotalCount"), 0)
	upload := params{"Name": cn + "-2026 09 01 ä+*~'", "Cert": p.Cert, "Key": p.Key}
	id := s.call("UploadUserCertificate", upload).id("CertId")

	list := s.call("ListUserCertificateOrder", look)
	expect(t, "TotalCount", list.number("TotalCount"), 1)
	row := list.rows("CertificateOrderList")[0]
	expect(t, "CertificateId", row.id("CertificateId"), id)
	expect(t, "Name", row.text("Name"), upload["Name"])
	if !strings.Contains(row.text("SerialNo"), p.Serial) {
		t.Errorf("SerialNo %q does not have %q in it", row.text("SerialNo"), p.Serial)
	}

	again := s.refused("UploadUserCertificate", upload, http.StatusBadRequest, "NameRepeat")
	if message := again.text("Message"); !strings.Contains(message, "Name") || !strings.Contains(message, fmt.Sprintf("%q", upload["Name"])) {
		t.Errorf("the message does not say what is wrong: %q", message)
	}
}

// Another PHP client cuts the message of a wrong secret before the blank and
// these words.
func TestDnsmgrWrongSecret(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, func(r *testenv.Request) {
		dnsmgr(r)
		r.Credentials.AccessKeySecret = signature.Secret("another")
	}}
	out := s.refused("ListUserCertificateOrder", nil, http.StatusBadRequest, "SignatureDoesNotMatch")
	head, _, found := strings.Cut(out.text("Message"), " server string to sign is:")
	if !found || strings.TrimSpace(head) == "" {
		t.Errorf("the message cannot be cut: %q", out.text("Message"))
	}
}

// Its issuing side works with instances, save for the contacts.
func TestDnsmgrIssues(t *testing.T) {
	t.Parallel()
	s := script{t, testenv.New(t).Tenant, dnsmgr}
	s.unserved("ListInstances", "GetInstanceSummary", "UpdateInstance", "ApplyCertificate", "GetTaskAttribute",
		"GetInstanceDetail", "RevokeCertificate", "CancelPendingCertificate")
	expect(t, "contacts", len(s.call("ListContact", nil).rows("ContactList")), 0)
}
