package admin

import (
	"encoding/base64"
	"strings"
	"testing"

	"chancery/issuer"
)

// theIssuers makes the calls about ACME CAs; no CA is there to be asked.
func theIssuers(t *testing.T, other string, caller Caller, call func(string) string) {
	t.Helper()
	hmac := base64.RawURLEncoding.EncodeToString([]byte("a key of more than 16 bytes"))
	in := Issuer{
		Name: "one", Directory: "https://127.0.0.1:1/dir", Contacts: []string{"mailto:a@example.test"}, EABKeyID: "kid", EABKey: hmac,
		OrdersLimit: 300, OrdersWindow: "3h", Concurrency: 2, Profile: "short", PreferredChain: "X",
	}
	made := must[Issuer](t, caller, call("issuer.add"), in)
	if made.EABKey != "" || made.OrdersWindow != "3h" || !made.CreatedAt.Equal(noon) || made.OpenOrders != 0 {
		t.Errorf("%s the issuer is %+v", other, made)
	}
	if list := must[[]Issuer](t, caller, call("issuer.list"), Nothing{}); len(list) != 1 {
		t.Errorf("%s the issuers are %+v", other, list)
	}
	if err := caller.Call(ctx, call("issuer.test"), IssuerName{"one"}, &issuer.Inspection{}); err == nil || !strings.Contains(err.Error(), "https://127.0.0.1:1/dir") {
		t.Errorf("%s testing a CA that is not there: %v", other, err)
	}
	must[Issuer](t, caller, "issuer.add", Issuer{Name: "two", Directory: "https://127.0.0.1:1/dir", Fallbacks: []string{"one"}})
	for name, want := range map[string]string{"one": "two has one as a fallback", "none": "there is no issuer none"} {
		if err := caller.Call(ctx, "issuer.remove", IssuerName{name}, &Nothing{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s removing %s: %v", other, name, err)
		}
	}
	must[Nothing](t, caller, call("issuer.remove"), IssuerName{"two"})
	must[Nothing](t, caller, "issuer.remove", IssuerName{"one"})
}

func TestIssuersThatAreRefused(t *testing.T) {
	i := newInstance(t)
	good := func() Issuer { return Issuer{Name: "ca", Directory: "https://ca.example.test/dir"} }
	for want, spoil := range map[string]func(*Issuer){
		"is no name for an issuer":   func(in *Issuer) { in.Name = "A B" },
		`and not "local"`:            func(in *Issuer) { in.Name = "local" },
		"is not a URL":               func(in *Issuer) { in.Directory = "ca.example.test" },
		"--allow-http takes it":      func(in *Issuer) { in.Directory = "http://ca.example.test/dir" },
		"--contact":                  func(in *Issuer) { in.Contacts = []string{"ops"} },
		"--ca-bundle":                func(in *Issuer) { in.CABundle = "no PEM" },
		"--concurrency":              func(in *Issuer) { in.Concurrency = -1 },
		"cannot stand in for itself": func(in *Issuer) { in.Fallbacks = []string{"ca"} },
		"there is no issuer other":   func(in *Issuer) { in.Fallbacks = []string{"other"} },
		"--orders-per":               func(in *Issuer) { in.OrdersLimit, in.OrdersWindow = 5, "soon" },
		"go together":                func(in *Issuer) { in.EABKeyID = "kid" },
		"128 bits":                   func(in *Issuer) { in.EABKeyID, in.EABKey = "kid", "c2hvcnQ" },
	} {
		in := good()
		spoil(&in)
		if err := i.Call(ctx, "issuer.add", in, &Issuer{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v; want %q", in, err, want)
		}
	}
	must[Issuer](t, i.Admin, "issuer.add", good())
	if err := i.Call(ctx, "issuer.add", good(), &Issuer{}); err == nil || !strings.Contains(err.Error(), "already") {
		t.Errorf("the same again: %v", err)
	}
	if secret, err := parseEAB(Issuer{EABKeyID: "kid", EABKey: " MDEyMzQ1Njc4OTAxMjM0NTY3ODk+Pz8/\n"}); err != nil || len(secret.Reveal()) != 24 {
		t.Errorf("plain base64 with a line end: %v", err)
	}
}
