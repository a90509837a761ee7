package compat

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"chancery/internal/testcert"
	"chancery/internal/testenv"
)

// certd and allinssl upload and read the id, nothing else.
func TestUploaders(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	p := testcert.New(t, env.Clock.Now(), "upload.example.test")
	certd := script{t, env.Tenant, olderNode}.version("2018-07-13")
	id := certd.call("CreateUserCertificate", params{"RegionId": "cn-hangzhou", "Name": "certd", "Cert": p.Cert, "Key": p.Key}).id("CertId")
	allinssl := script{t, env.Tenant, current}
	other := allinssl.call("UploadUserCertificate", params{"Name": "allinssl", "Cert": p.Cert, "Key": p.Key})
	if other.id("CertId") == id || other.text("ResourceId") == "" {
		t.Errorf("after %s: %v", id, other.fields)
	}
	// What products want of certd's certificate is the identifier.
	expect(t, "CertIdentifier", allinssl.call("GetUserCertificateDetail", params{"CertId": id}).text("CertIdentifier"), id+"-cn-hangzhou")
}

// inJSON is V3 with the parameters in a JSON body, ids as numbers.
func inJSON(t *testing.T) func(*testenv.Request) {
	return func(r *testenv.Request) {
		values := map[string]any{}
		for name, value := range r.Parameters {
			values[name] = value
			if name == "CertId" {
				values[name] = json.Number(value)
			}
		}
		text, err := json.Marshal(values)
		must(t, err)
		r.Parameters, r.Body = map[string]string{}, string(text)
		r.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
}

// A script on top of acme.sh reads answers with grep.
func TestAcmeShScript(t *testing.T) {
	t.Parallel()
	env := testenv.New(t)
	s := script{t, env.Tenant, inJSON(t)}
	p := testcert.New(t, env.Clock.Now(), "acme.example.test")
	answer := s.send("UploadUserCertificate", params{
		"Name": "autoup-cert-acme.example.test-1700000000000", "Cert": p.Cert, "Key": p.Key, "ResourceGroupId": "",
	})
	id := read(t, answer.Body).id("CertId")
	if !strings.Contains(answer.Body, `"CertId":`+id) {
		t.Errorf("grep does not find CertId in %s", answer.Body)
	}
	expect(t, "the stored text", read(t, s.send("GetUserCertificateDetail", params{"CertId": id}).Body).text("Cert"), p.Cert)
	s.call("DeleteUserCertificate", params{"CertId": id})
	answer = s.send("DeleteUserCertificate", params{"CertId": id})
	if answer.Status != http.StatusNotFound || !strings.Contains(answer.Body, `"Code":"NotFound"`) {
		t.Errorf("grep does not find the code in %d %s", answer.Status, answer.Body)
	}
}
