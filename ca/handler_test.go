package ca

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandler(t *testing.T) {
	a, _, _ := testCA(t, Config{BaseURL: testBase})
	handler := a.Handler()
	get := func(method, path string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
		return recorder
	}
	leaf := issue(t, a, requestFor(t, 1, "www.example.com"))
	issuing := parse(t, a.Issuing())

	// What certificates point at is there.
	for url, want := range map[string][]byte{
		leaf.IssuingCertificateURL[0]:    a.Issuing(),
		issuing.IssuingCertificateURL[0]: a.Root(),
	} {
		got := get("GET", strings.TrimPrefix(url, testBase))
		if got.Code != 200 || !bytes.Equal(got.Body.Bytes(), want) || got.Header().Get("Content-Type") != "application/pkix-cert" {
			t.Errorf("%s: %d %s", url, got.Code, got.Header())
		}
	}
	for url, signer := range map[string][]byte{
		leaf.CRLDistributionPoints[0]:    a.Issuing(),
		issuing.CRLDistributionPoints[0]: a.Root(),
	} {
		got := get("GET", strings.TrimPrefix(url, testBase))
		list, err := x509.ParseRevocationList(got.Body.Bytes())
		if err != nil || got.Code != 200 || got.Header().Get("Content-Type") != "application/pkix-crl" || got.Header().Get("Cache-Control") == "" {
			t.Fatalf("%s: %d %s %v", url, got.Code, got.Header(), err)
		}
		if err := list.CheckSignatureFrom(parse(t, signer)); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	block, rest := pem.Decode(get("GET", "/ca/root.pem").Body.Bytes())
	if block == nil || !bytes.Equal(block.Bytes, a.Root()) || len(rest) > 0 {
		t.Error("root.pem is not the root")
	}
	if got := get("HEAD", "/ca/root.pem"); got.Code != 200 || got.Body.Len() > 0 {
		t.Errorf("HEAD: %d", got.Code)
	}
	for path, want := range map[string]int{
		"/": 404, "/ca": 404, "/ca/": 404, "/ca/x.crt": 404, "/ca/" + ID(a.Root()): 404,
		"/ca/" + ID(a.Root()) + ".key": 404, "/ca/" + strings.ToUpper(ID(a.Root())) + ".CRT": 404,
	} {
		if got := get("GET", path); got.Code != want {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
	if got := get("POST", "/ca/root.pem"); got.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", got.Code)
	}
}

func TestHandlerWithoutACRL(t *testing.T) {
	a, _, _ := testCA(t, Config{})
	a.issuing.certificate.KeyUsage = 0
	recorder := httptest.NewRecorder()
	a.Handler().ServeHTTP(recorder, httptest.NewRequest("GET", listPath(ID(a.Issuing()), 0), nil))
	if recorder.Code != http.StatusServiceUnavailable || strings.Contains(recorder.Body.String(), "crlSign") {
		t.Errorf("%d %s", recorder.Code, recorder.Body)
	}
}
