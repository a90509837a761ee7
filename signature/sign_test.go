package signature

import (
	"errors"
	"net/http"
	"testing"
	"time"
)

func TestSignRefuses(t *testing.T) {
	for _, test := range []struct {
		name   string
		base   vector
		change func(*Request, *Credentials, *Options)
		code   string // of the ReadError inside, if any
	}{
		{"no scheme", goodV1, func(_ *Request, _ *Credentials, o *Options) { o.Scheme = "" }, ""},
		{"no secret", goodV1, func(_ *Request, c *Credentials, _ *Options) { c.AccessKeySecret = nil }, ""},
		{"no time", goodV3, func(_ *Request, _ *Credentials, o *Options) { o.Time = time.Time{} }, ""},
		{"no key", goodV1, func(_ *Request, c *Credentials, _ *Options) { c.AccessKeyID = "" }, "MissingAccessKeyId"},
		{"no nonce", goodV1, func(_ *Request, _ *Credentials, o *Options) { o.Nonce = "" }, "MissingSignatureNonce"},
		{"no nonce", goodV3, func(_ *Request, _ *Credentials, o *Options) { o.Nonce = "" }, "MissingSignatureNonce"},
		{"no host", goodV3, func(r *Request, _ *Credentials, _ *Options) { r.Host = "" }, "IncompleteSignature"},
		{"method", goodV1, func(r *Request, _ *Credentials, _ *Options) { r.Method = "PATCH" }, "UnsupportedHTTPMethod"},
		{"V1 with V3's method", goodV1, func(_ *Request, _ *Credentials, o *Options) { o.Method = acs3 }, "InvalidSignatureMethod"},
		{"V3 with V1's method", goodV3, func(_ *Request, _ *Credentials, o *Options) { o.Method = hmacSHA1 }, ""},
		{"key that breaks the header", goodV3, func(_ *Request, c *Credentials, _ *Options) { c.AccessKeyID = "a,b" }, "IncompleteSignature"},
		{"key read as another", goodV3, func(_ *Request, c *Credentials, _ *Options) { c.AccessKeyID = "a " }, ""},
		{"form outside the body", goodV3, func(r *Request, _ *Credentials, _ *Options) { r.Form = order }, ""},
		{"V1 under a V3 header", goodV1, func(r *Request, _ *Credentials, _ *Options) { r.Header = goodV3.signed(t).Header }, ""},
		{"query of another action", goodV3, func(r *Request, _ *Credentials, _ *Options) { r.Query["Action"] = "X" }, "InvalidParameter"},
	} {
		t.Run(string(test.base.options.Scheme)+" "+test.name, func(t *testing.T) {
			r, c, o := test.base.request(), test.base.credentials, test.base.options
			test.change(r, &c, &o)
			err := Sign(r, c, o)
			if err == nil {
				t.Fatal("signed")
			}
			code := ""
			if refused := (*ReadError)(nil); errors.As(err, &refused) {
				code = refused.Code
			}
			if code != test.code {
				t.Errorf("got %v, want code %q", err, test.code)
			}
		})
	}
}

// A retry signs the same request anew; nothing of the first signature may stay.
func TestSignAgain(t *testing.T) {
	for _, scheme := range []Scheme{V1, V3} {
		r := &Request{Method: http.MethodPost, Host: "cas.example.test"}
		if err := Sign(r, vectors[8].credentials, options(scheme, "A", "first")); err != nil {
			t.Fatal(err)
		}
		if err := Sign(r, testKey, options(scheme, "B", "second", inForm)); err != nil {
			t.Fatal(err)
		}
		c, err := Read(r)
		if err != nil || !c.Verify([]byte("testsecret")) || c.SecurityToken != "" || c.Action != "B" || c.Nonce != "second" {
			t.Errorf("%s: got %v, %v", scheme, c, err)
		}
		if scheme == V1 && len(r.Query) > 0 {
			t.Errorf("left in the query: %v", r.Query)
		}
		if r.Header.Get("X-Acs-Accesskey-Id") != "" {
			t.Error("the first key's header stayed")
		}
	}
}

func TestTimeIsSentInUTC(t *testing.T) {
	o := goodV1.options
	o.Time = o.Time.In(time.FixedZone("east", 8*3600))
	r := goodV1.request()
	if err := Sign(r, testKey, o); err != nil || r.Query["Signature"] != goodV1.signature {
		t.Errorf("got %v, %v", r.Query, err)
	}
}
