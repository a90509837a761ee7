package signature

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// changed calls check after each way to change params: a longer value, a longer
// name, an absence and an addition.
func changed(params map[string]string, check func(what string)) {
	for name, value := range maps.Clone(params) {
		was := maps.Clone(params)
		params[name] = value + "x"
		check("value of " + name)
		delete(params, name)
		check("absence of " + name)
		params[name+"x"] = value
		check("name of " + name)
		clear(params)
		maps.Copy(params, was)
	}
	if _, there := params["Added"]; params != nil && !there {
		params["Added"] = ""
		check("set of parameters")
		delete(params, "Added")
	}
}

func FuzzSignV1(f *testing.F) {
	f.Add("testid", "testsecret", "nonce", "OrderId", "1", "Domain", "*.example.com", false, false)
	f.Add("STS.x", "s&", "n&n", "a=b", "&%26", "SignatureType", "", true, true)
	f.Add("证", "\xff", " ", "", "", "Action", "+ ~\n", false, true)
	f.Fuzz(func(t *testing.T, id, secret, nonce, name1, value1, name2, value2 string, sha2, form bool) {
		if name1 == name2 {
			return
		}
		r := &Request{
			Method: http.MethodPost,
			Query:  map[string]string{name1: value1},
			Form:   map[string]string{name2: value2},
		}
		o := options(V1, "Act", nonce)
		o.InForm = form
		if sha2 {
			o.Method = hmacSHA256
		}
		err := Sign(r, Credentials{AccessKeyID: id, AccessKeySecret: []byte(secret)}, o)
		if complete := id != "" && secret != "" && nonce != ""; (err == nil) != complete {
			t.Fatalf("Sign: %v", err)
		}
		if err != nil {
			return
		}
		c, err := Read(r)
		if err != nil || !c.Verify([]byte(secret)) || c.AccessKeyID != id || c.Nonce != nonce || c.Action != "Act" {
			t.Fatalf("signed, but read as %v, %v", c, err)
		}
		check := func(what string) {
			if accepted(r, []byte(secret)) {
				t.Fatalf("accepted with another %q", what)
			}
		}
		changed(r.Query, check)
		changed(r.Form, check)
		if r.Method = http.MethodGet; accepted(r, []byte(secret)) || c.Verify([]byte(secret+"x")) {
			t.Fatal("accepted with another method or secret")
		}
	})
}

func FuzzSignV3(f *testing.F) {
	f.Add("testid", "testsecret", "", "nonce", "DescribeCertificateState", "OrderId", "1", "", []byte(nil))
	f.Add("STS.x", "s", "token", "n", " padded ", "Action", "padded", "text/plain", []byte("a=b&c"))
	f.Add("a,b", "\xff", "t\n", "n:n", "", "", "", "\u00a0;", []byte{0})
	f.Fuzz(func(t *testing.T, id, secret, token, nonce, action, name, value, extra string, body []byte) {
		r := &Request{
			Method: http.MethodPost, Host: "cas.example.test:8443", Body: body,
			Header: http.Header{"X-Acs-Extra": {extra}, "Content-Type": {"text/plain"}, "Accept": {"*/*"}},
			Query:  map[string]string{name: value},
		}
		err := Sign(r, Credentials{AccessKeyID: id, AccessKeySecret: []byte(secret), SecurityToken: token}, options(V3, action, nonce))
		if err != nil {
			if plain(id, secret, nonce, action, name, extra) && !strings.ContainsAny(token, "\r\n") && name != "Action" && name != "Version" {
				t.Fatalf("Sign: %v", err)
			}
			return
		}
		c, err := Read(r)
		if err != nil || !c.Verify([]byte(secret)) || c.AccessKeyID != id || c.Action != strings.TrimSpace(action) || c.Nonce != strings.TrimSpace(nonce) {
			t.Fatalf("signed, but read as %v, %v", c, err)
		}
		check := func(what string) {
			if accepted(r, []byte(secret)) {
				t.Fatalf("accepted with another %q", what)
			}
		}
		changed(r.Query, check)
		changedV3(r, check)
		if r.Method = http.MethodGet; accepted(r, []byte(secret)) || c.Verify([]byte(secret+"x")) {
			t.Fatal("accepted with another method or secret")
		}
	})
}

func changedV3(r *Request, check func(string)) {
	for name := range r.Header {
		if name == "Accept" {
			continue // not signed
		}
		was := r.Header[name]
		r.Header[name] = []string{was[0] + "x"}
		check("value of " + name)
		r.Header[name] = []string{was[0], was[0]}
		check("number of " + name)
		delete(r.Header, name)
		check("absence of " + name)
		r.Header[name] = was
	}
	body := r.Body
	r.Body = append(bytes.Clone(body), 'x')
	check("body")
	r.Body = body
	r.Host += "x"
	check("host")
	r.Host = strings.TrimSuffix(r.Host, "x")
}

func plain(texts ...string) bool {
	for _, s := range texts {
		if s == "" || Encode(s) != s {
			return false
		}
	}
	return true
}

// FuzzCanonical holds both canonical forms to one meaning per encoding.
func FuzzCanonical(f *testing.F) {
	f.Add("a", "b", "c", "d", "a", "b&c=d", "", "")
	f.Add("a=", "", "", "", "a", "=", "", "")
	f.Add("a", " ", "b", "%20", "a", "%20", "b", "+")
	f.Add("host", "x\nx-acs-b:y", "", "z", "host", "x", "", "y\nz")
	f.Fuzz(func(t *testing.T, n1, v1, n2, v2, n3, v3, n4, v4 string) {
		left, right := map[string]string{n1: v1, n2: v2}, map[string]string{n3: v3, n4: v4}
		a, b := canonicalQuery(left), canonicalQuery(right)
		if (a == b) != maps.Equal(left, right) || (Encode(a) == Encode(b)) != (a == b) {
			t.Fatalf("%q and %q become %q and %q", left, right, a, b)
		}
		back, err := url.ParseQuery(a)
		if err != nil || len(back) != len(left) {
			t.Fatalf("%q does not parse back: %v", a, err)
		}
		for name, value := range left {
			if got := back[name]; len(got) != 1 || got[0] != value {
				t.Fatalf("%q: %q came back as %q", a, value, got)
			}
		}
		oneMeaning(t, [4]string{n1, v1, n2, v2}, [4]string{n3, v3, n4, v4})
	})
}

// oneMeaning makes V3 requests of a host, two headers and a parameter, and checks
// that equal canonical requests mean equal requests.
func oneMeaning(t *testing.T, left, right [4]string) {
	names := []string{"host", "x-acs-a", "x-acs-b"}
	write := func(p [4]string) (map[string]string, string, bool) {
		r := &Request{Method: "GET", Host: p[0], Header: http.Header{"X-Acs-A": {p[1]}, "X-Acs-B": {p[2]}}, Query: map[string]string{"p": p[3]}}
		values, err := signedValues(r, names)
		if err != nil {
			if refused := (*ReadError)(nil); !errors.As(err, &refused) {
				t.Fatalf("not a ReadError: %v", err)
			}
			return nil, "", false
		}
		text := canonicalRequest(r, names, values)
		values["p"] = p[3]
		return values, text, true
	}
	l, a, ok1 := write(left)
	r, b, ok2 := write(right)
	if ok1 && ok2 && (a == b) != maps.Equal(l, r) {
		t.Fatalf("%q and %q become %q and %q", l, r, a, b)
	}
}
