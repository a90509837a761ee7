package acme

import (
	"testing"
)

func TestCertificatesOfEveryKind(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	i := w.serve(t)
	for _, test := range []struct{ name, method string }{
		{"www.example.test", "DNS"},
		{"file.example.test", "FILE"},
		{"*.wild.example.test", "DNS"},
	} {
		state := i.issued(t, i.apply(t, test.name, test.method), test.name)
		if state.PrivateKey == "" {
			t.Errorf("%s: no private key", test.name)
		}
	}
}
