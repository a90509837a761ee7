package acme

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// hostile is a CA that answers as it likes and checks nothing.
type hostile struct {
	*httptest.Server

	token       string
	base        string // of its URLs; "" is its own
	identifier  string
	endless     string // the path whose answer never ends
	contentType string
	apart       bool // each order has a URL of its own; else all have one
	made        int
}

const goodToken = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

func (h *hostile) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	base := h.base
	if base == "" {
		base = h.URL
	}
	w.Header().Set("Replay-Nonce", fmt.Sprint(time.Now().UnixNano()))
	w.Header().Set("Content-Type", h.contentType)
	if h.endless != "" && strings.HasPrefix(r.URL.Path, h.endless) {
		for r.Context().Err() == nil {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
		return
	}
	answer := func(status int, body any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(body)
	}
	path := r.URL.Path
	if strings.HasPrefix(path, "/order") {
		path = "/order"
	}
	switch path {
	case "/dir":
		answer(200, map[string]any{"newNonce": base + "/nonce", "newAccount": base + "/account", "newOrder": base + "/new", "revokeCert": base + "/revoke"})
	case "/account":
		w.Header().Set("Location", base+"/me")
		answer(201, map[string]any{"status": "valid"})
	case "/new", "/order":
		location := base + "/order"
		if h.apart {
			h.made++
			location += fmt.Sprint(h.made)
		}
		w.Header().Set("Location", location)
		answer(201, map[string]any{
			"status": "pending", "identifiers": []any{map[string]any{"type": "dns", "value": h.identifier}},
			"authorizations": []string{base + "/authz"}, "finalize": base + "/finalize",
		})
	case "/authz":
		answer(200, map[string]any{
			"status": "pending", "identifier": map[string]any{"type": "dns", "value": h.identifier},
			"challenges": []any{
				map[string]any{"type": "dns-01", "url": base + "/challenge", "status": "pending", "token": h.token},
				map[string]any{"type": "http-01", "url": base + "/challenge", "status": "pending", "token": h.token},
			},
		})
	default:
		answer(200, map[string]any{})
	}
}

// What a hostile CA says becomes neither a record nor a path nor a call.
func TestHostileCA(t *testing.T) {
	t.Parallel()
	const name = "victim.example.test"
	w := newWorld(t)
	i := w.serve(t)
	for _, test := range []struct {
		name  string
		spoil func(*hostile)
		want  string
	}{
		{"a token that leaves its directory", func(h *hostile) { h.token = "../../../../etc/passwd-aaaaaaaaaaaa" }, "base64url"},
		{"a token of a shell", func(h *hostile) { h.token = "$(touch${IFS}x);`id`|aaaaaaaaaaaaaaaaaaaa" }, "base64url"},
		{"a token with a line end", func(h *hostile) { h.token = goodToken + "\n" }, "base64url"},
		{"a short token", func(h *hostile) { h.token = "abc" }, "base64url"},
		{"a very long token", func(h *hostile) { h.token = strings.Repeat("a", 5000) }, "base64url"},
		{"URLs without TLS", func(h *hostile) { h.base = "http://127.0.0.1:1" }, "not https"},
		{"URLs of files", func(h *hostile) { h.base = "file:///etc" }, "URL"},
		{"an order for another name", func(h *hostile) { h.identifier = "other.example.test" }, "other names"},
		{"an endless directory", func(h *hostile) { h.endless = "/dir" }, "longer than 1 MiB"},
		{"an endless order", func(h *hostile) { h.endless = "/new" }, "longer than 1 MiB"},
		{"answers of another type", func(h *hostile) { h.contentType = "text/html" }, "content type"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := &hostile{token: goodToken, identifier: name, contentType: "application/json"}
			test.spoil(h)
			h.Server = httptest.NewUnstartedServer(h)
			h.Config.ErrorLog = quiet
			h.StartTLS()
			defer h.Close()
			_, err := call[admin.Nothing](i, "issuer.remove", admin.IssuerName{Name: "pebble"})
			must(t, err)
			i.addIssuer(t, "pebble", func(in *admin.Issuer) { in.Directory, in.CABundle = h.URL+"/dir", pemOf(h.Certificate()) })
			order := i.apply(t, name, "FILE")
			state := i.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool {
				return s.Order.Delay != "" || s.Type == "verify_fail"
			})
			if state.Type != "domain_verify" || !strings.Contains(state.Order.Delay, test.want) || state.Uri+state.Content+state.RecordValue != "" {
				t.Errorf("the order is %s, delayed by %q, and shows %q", state.Type, state.Order.Delay, state.Uri+state.Content)
			}
			must(t, i.client.CancelOrderRequest(t.Context(), cas.OrderInput{OrderId: order}))
			must(t, i.client.DeleteCertificateRequest(t.Context(), cas.OrderInput{OrderId: order}))
		})
	}
	t.Run("a directory without TLS", func(t *testing.T) {
		plain := httptest.NewServer(http.NotFoundHandler())
		defer plain.Close()
		_, err := call[admin.Issuer](i, "issuer.add", admin.Issuer{Name: "plain", Directory: plain.URL + "/dir"})
		if err == nil || !strings.Contains(err.Error(), "--allow-http") {
			t.Errorf("it is added: %v", err)
		}
	})
	t.Run("a CA of another root", func(t *testing.T) {
		h := &hostile{token: goodToken, identifier: name, contentType: "application/json"}
		h.Server = httptest.NewUnstartedServer(h)
		h.Config.ErrorLog = quiet
		h.StartTLS()
		defer h.Close()
		i.addIssuer(t, "stranger", func(in *admin.Issuer) { in.Directory = h.URL + "/dir" })
		var untrusted x509.UnknownAuthorityError
		if err := i.Admin.Call(t.Context(), "issuer.test", admin.IssuerName{Name: "stranger"}, &struct{}{}); err == nil || !strings.Contains(err.Error(), untrusted.Error()) {
			t.Errorf("it is trusted: %v", err)
		}
	})
}

// A certificate for another name is as good as none.
func TestACertificateForAnotherName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	p := newProxy(t, w.ca)
	i := w.serve(t, p.point)
	// The CA's own certificate of another order, so that all but name and key are right.
	var other []byte
	p.set(fault{after: func(c passing, answer *http.Response) error {
		if c.kind != "certificate" {
			return nil
		}
		if other == nil {
			var err error
			other, err = readAll(answer)
			return err
		}
		replace(answer, other)
		return nil
	}})
	i.issued(t, i.apply(t, "first.example.test", "DNS"), "first.example.test")
	key, text := requestFor(t, "second.example.test")
	_ = key
	state := i.finish(t, i.apply(t, "second.example.test", "DNS", func(in *cas.CreateCertificateForPackageRequestInput) { in.Csr = text }))
	if state.Type != "verify_fail" || !strings.Contains(state.Reason, "not what was asked for") {
		t.Errorf("the order is %s: %s", state.Type, state.Reason)
	}
}

// startHostile runs such a CA as the world's, for a name.
func startHostile(t *testing.T, i *instance, name string) *hostile {
	t.Helper()
	h := &hostile{token: goodToken, identifier: name, contentType: "application/json"}
	h.Server = httptest.NewUnstartedServer(h)
	h.Config.ErrorLog = quiet
	h.StartTLS()
	t.Cleanup(h.Close)
	_, err := call[admin.Nothing](i, "issuer.remove", admin.IssuerName{Name: "pebble"})
	must(t, err)
	i.addIssuer(t, "pebble", func(in *admin.Issuer) { in.Directory, in.CABundle = h.URL+"/dir", pemOf(h.Certificate()) })
	return h
}

// stranger is another account of the service.
func (i *instance) stranger(t *testing.T) *instance {
	t.Helper()
	account, err := call[admin.Account](i, "account.create", admin.NewAccount{Name: "another"})
	must(t, err)
	key, err := call[admin.AccessKey](i, "accesskey.create", admin.NewAccessKey{AccountID: account.ID})
	must(t, err)
	_, err = call[admin.Plan](i, "plan.grant", admin.Grant{AccountID: account.ID, ProductCode: "single", Count: 5})
	must(t, err)
	other := *i
	other.client, err = client.New(i.Endpoint, signature.Credentials{AccessKeyID: key.ID, AccessKeySecret: signature.Secret(key.Secret)}, nil)
	must(t, err)
	return &other
}

// A CA may answer a second order for a name with the first one, as Boulder does: it
// stays with whose it is.
func TestACAThatSharesOrders(t *testing.T) {
	t.Parallel()
	const name = "shared.example.test"
	i := newWorld(t).serve(t)
	startHostile(t, i, name)
	first := i.apply(t, name, "DNS")
	if state := i.state(t, first); state.RecordDomain != "_acme-challenge."+name {
		t.Fatalf("the first order shows %q", state.RecordDomain)
	}
	other := i.stranger(t)
	second := other.apply(t, name, "DNS")
	state := other.state(t, second)
	if state.RecordValue != "" || !strings.Contains(state.Order.Delay, "while another one for them is open") {
		t.Errorf("the second order shows %q, delayed by %q", state.RecordValue, state.Order.Delay)
	}
}

// A CA may have one authorization for the orders of all its customer's customers.
// Whoever comes second shows control by a proof of Chancery's own before the CA's
// proof, which the first may have published, counts for anything.
func TestACAThatSharesAuthorizations(t *testing.T) {
	t.Parallel()
	const name = "shared.example.test"
	i := newWorld(t).serve(t)
	startHostile(t, i, name).apart = true
	first := i.state(t, i.apply(t, name, "DNS"))
	i.w.publish(first.Proofs)
	other := i.stranger(t)
	order := other.apply(t, name, "DNS")
	time.Sleep(3 * time.Second) // some looks
	state := other.state(t, order)
	if state.Type != "domain_verify" || state.RecordDomain != chancery.ProofLabel+"."+name || state.RecordValue == first.RecordValue {
		t.Fatalf("the stranger's order is %s and shows %q", state.Type, state.RecordDomain)
	}
	state = other.until(t, order, func(s *cas.DescribeCertificateStateOutput) bool { return s.RecordDomain == "_acme-challenge."+name })
	if state.RecordValue != first.RecordValue {
		t.Errorf("the CA's proof is %q for one and %q for the other", first.RecordValue, state.RecordValue)
	}
}
