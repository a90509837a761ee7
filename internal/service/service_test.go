package service

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// TestPathsOfTheCA: a ServeMux before the CA would redirect the second path, in
// which an OCSP request's Base64 has two slashes.
func TestPathsOfTheCA(t *testing.T) {
	named := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(name + r.URL.Path)) })
	}
	handler := beside(named("pki "), named("api "))
	for path, want := range map[string]string{
		"/ca/root.pem":         "pki /ca/root.pem",
		"/ca/ocsp/MEIw//QD+x=": "pki /ca/ocsp/MEIw//QD+x=",
		"/":                    "api /",
		"/cat":                 "api /cat",
	} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest("GET", path, nil))
		if got := recorder.Body.String(); recorder.Code != 200 || got != want {
			t.Errorf("%s: HTTP %d, %s", path, recorder.Code, got)
		}
	}
}
