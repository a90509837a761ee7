package service

import (
	"net"
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

// TestDialable: a listener on every address, as in a container, is at localhost for
// who reads the first start's output.
func TestDialable(t *testing.T) {
	for listening, want := range map[string]string{
		"[::]:8280":         "localhost:8280",
		"0.0.0.0:8280":      "localhost:8280",
		"127.0.0.1:8280":    "127.0.0.1:8280",
		"[::1]:8280":        "[::1]:8280",
		"192.0.2.1:8280":    "192.0.2.1:8280",
		"[fe80::1%lo]:8280": "[fe80::1%lo]:8280",
	} {
		address, err := net.ResolveTCPAddr("tcp", listening)
		if err != nil {
			t.Fatal(err)
		}
		if got := dialable(address); got != want {
			t.Errorf("%s is found at %s; want %s", listening, got, want)
		}
	}
}
