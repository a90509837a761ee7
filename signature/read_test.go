package signature

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

// The calls that refusal tests start from.
var (
	goodV1 = vectors[0]
	goodV3 = vectors[8]
)

type refusal struct {
	name   string
	change func(*Request)
	code   string
	says   string
}

func drop(name string) func(*Request)       { return func(r *Request) { delete(r.Query, name) } }
func put(name, value string) func(*Request) { return func(r *Request) { r.Query[name] = value } }
func set(name, value string) func(*Request) { return func(r *Request) { r.Header.Set(name, value) } }
func unset(name string) func(*Request)      { return func(r *Request) { r.Header.Del(name) } }
func twice(name string) func(*Request) {
	return func(r *Request) { r.Header.Add(name, r.Header.Get(name)) }
}

// auth rewrites the Authorization header, old and new text in turns.
func auth(oldnew ...string) func(*Request) {
	return func(r *Request) {
		r.Header.Set("Authorization", strings.NewReplacer(oldnew...).Replace(r.Header.Get("Authorization")))
	}
}

func all(changes ...func(*Request)) func(*Request) {
	return func(r *Request) {
		for _, change := range changes {
			change(r)
		}
	}
}

func testRefusals(t *testing.T, base vector, refusals []refusal) {
	for _, test := range refusals {
		t.Run(test.name, func(t *testing.T) {
			r := base.signed(t)
			test.change(r)
			c, err := Read(r)
			var refused *ReadError
			if !errors.As(err, &refused) || c != nil {
				t.Fatalf("Read gave %v, %v; want a ReadError alone", c, err)
			}
			if refused.Code != test.code || !strings.Contains(refused.Message, test.says) {
				t.Errorf("got %v; want %s saying %q", refused, test.code, test.says)
			}
		})
	}
}

func TestRefusalsV1(t *testing.T) {
	anonymous := all(drop("Signature"), drop("SignatureVersion"), drop("AccessKeyId"))
	testRefusals(t, goodV1, []refusal{
		{"method", func(r *Request) { r.Method = "PUT" }, "UnsupportedHTTPMethod", "GET or POST"},
		{"method in lower case", func(r *Request) { r.Method = "get" }, "UnsupportedHTTPMethod", "GET or POST"},
		{"anonymous", anonymous, "MissingAccessKeyId", "not signed"},
		{"two authorizations", all(set("Authorization", "Basic dDp0"), twice("Authorization")), "IncompleteSignature", "more than once"},
		{"other authorization", all(anonymous, set("Authorization", "Basic dDp0")), "MissingAccessKeyId", "not signed"},
		{"bearer token", all(anonymous, put("SignatureType", "BEARERTOKEN")), "MissingAccessKeyId", "BEARERTOKEN"},
		{"identity token", all(anonymous, set("x-acs-zero-trust-idtoken", "x")), "MissingAccessKeyId", "x-acs-zero-trust-idtoken"},
		{"no key", drop("AccessKeyId"), "MissingAccessKeyId", ""},
		{"empty key", put("AccessKeyId", ""), "MissingAccessKeyId", ""},
		{"no signature", drop("Signature"), "MissingSignature", "Signature is"},
		{"only a key", all(drop("Signature"), drop("SignatureVersion")), "MissingSignature", "Signature is"},
		{"no version", drop("SignatureVersion"), "MissingSignatureVersion", "SignatureVersion"},
		{"no method", drop("SignatureMethod"), "MissingSignatureMethod", "SignatureMethod"},
		{"no nonce", drop("SignatureNonce"), "MissingSignatureNonce", "SignatureNonce"},
		{"empty nonce", put("SignatureNonce", ""), "MissingSignatureNonce", "SignatureNonce"},
		{"no timestamp", drop("Timestamp"), "MissingTimestamp", "Timestamp"},
		{"other version", put("SignatureVersion", "2.0"), "InvalidSignatureVersion", "1.0"},
		{"other method", put("SignatureMethod", "HMAC-MD5"), "InvalidSignatureMethod", "HMAC-SHA1"},
		{"V3's method", put("SignatureMethod", "ACS3-HMAC-SHA256"), "InvalidSignatureMethod", "HMAC-SHA1"},
		{"method in lower case", put("SignatureMethod", "hmac-sha1"), "InvalidSignatureMethod", "HMAC-SHA1"},
		{"query and form differ", func(r *Request) { r.Form = map[string]string{"OrderId": "2"} }, "InvalidParameter", `"OrderId"`},
		{"SM3", set("Authorization", "ACS3-HMAC-SM3 Credential=a"), "InvalidSignatureMethod", acs3},
		{"RSA", set("Authorization", "ACS3-RSA-SHA256 Credential=a"), "InvalidSignatureMethod", acs3},
		{"V4", set("Authorization", "ACS4-HMAC-SHA256 Credential=a"), "InvalidSignatureMethod", acs3},
		{"longer name", set("Authorization", "ACS3-HMAC-SHA256X Credential=a"), "InvalidSignatureMethod", acs3},
		{"bare algorithm", set("Authorization", "ACS3-HMAC-SHA256"), "IncompleteSignature", "Authorization"},
	})
}

func TestRefusalsV3(t *testing.T) {
	testRefusals(t, goodV3, []refusal{
		{"two authorizations", twice("Authorization"), "IncompleteSignature", "more than once"},
		{"no credential", auth("Credential=testid,", ""), "IncompleteSignature", "no Credential"},
		{"empty credential", auth("=testid", "="), "IncompleteSignature", "empty Credential"},
		{"no signature", auth(",Signature=", ",SignedHeaders="), "IncompleteSignature", "SignedHeaders more than once"},
		{"only a credential", set("Authorization", "ACS3-HMAC-SHA256 Credential=a"), "IncompleteSignature", "no SignedHeaders"},
		{"repeated field", auth("Credential=testid", "Credential=testid,Credential=testid"), "IncompleteSignature", "more than once"},
		{"unknown field", auth("Credential=", "Region=x,Credential="), "IncompleteSignature", `"Region"`},
		{"field in lower case", auth("Credential=", "credential="), "IncompleteSignature", `"credential"`},
		{"trailing comma", auth("Signature=", ",Signature="), "IncompleteSignature", "unknown field"},
		{"upper-case signature", auth("Signature=113c", "Signature=113C"), "IncompleteSignature", "lower-case"},
		{"short signature", auth("Signature=113c", "Signature=113"), "IncompleteSignature", "64"},
		{"unsorted", auth("host;x-acs-accesskey-id", "x-acs-accesskey-id;host"), "IncompleteSignature", "sorted"},
		{"name twice", auth("host;", "host;host;"), "IncompleteSignature", "once"},
		{"upper-case name", auth("host;", "Host;"), "IncompleteSignature", `"Host"`},
		{"empty name", auth("host;", "host;;"), "IncompleteSignature", `""`},
		{"space in name", auth("host;", "host ;"), "IncompleteSignature", `"host "`},
		{"host unsigned", auth("host;", ""), "IncompleteSignature", "host"},
		{"action unsigned", auth("x-acs-action;", ""), "IncompleteSignature", "x-acs-action"},
		{"hash unsigned", auth("x-acs-content-sha256;", ""), "IncompleteSignature", "x-acs-content-sha256"},
		{"date unsigned", auth("x-acs-date;", ""), "IncompleteSignature", "x-acs-date"},
		{"nonce unsigned", auth("x-acs-signature-nonce;", ""), "IncompleteSignature", "x-acs-signature-nonce"},
		{"version unsigned", auth(";x-acs-version", ""), "IncompleteSignature", "x-acs-version"},
		{"token unsigned", auth("x-acs-security-token;", ""), "IncompleteSignature", "x-acs-security-token"},
		{"host absent", func(r *Request) { r.Host = "" }, "IncompleteSignature", "host"},
		{"action absent", unset("x-acs-action"), "IncompleteSignature", "x-acs-action is signed but absent"},
		{"token absent", unset("x-acs-security-token"), "IncompleteSignature", "x-acs-security-token is signed but absent"},
		{"action twice", twice("x-acs-action"), "IncompleteSignature", "x-acs-action is present more than once"},
		{"date twice", twice("x-acs-date"), "IncompleteSignature", "more than once"},
		{"nonce twice", twice("x-acs-signature-nonce"), "IncompleteSignature", "more than once"},
		{"token twice", twice("x-acs-security-token"), "IncompleteSignature", "more than once"},
		{"line end", set("x-acs-action", "A\nx-acs-b:c"), "IncompleteSignature", "line end"},
		{"empty date", set("x-acs-date", ""), "MissingTimestamp", "x-acs-date"},
		{"empty nonce", set("x-acs-signature-nonce", " "), "MissingSignatureNonce", "x-acs-signature-nonce"},
		{"other body", func(r *Request) { r.Body = []byte("x") }, "IncompleteSignature", "x-acs-content-sha256"},
		{"upper-case hash", set("x-acs-content-sha256", strings.ToUpper(emptyHash)), "IncompleteSignature", "lower-case"},
		{"action in query", put("Action", "DeleteUserCertificate"), "InvalidParameter", "signing one action and calling another"},
		{"empty action in query", put("Action", ""), "InvalidParameter", "signing one action and calling another"},
		{"version in query", put("Version", "2018-07-13"), "InvalidParameter", "signing one version and calling another"},
		{"action in form", func(r *Request) { r.Form = map[string]string{"Action": "X"} }, "InvalidParameter", "Action"},
		{"version in form", func(r *Request) { r.Form = map[string]string{"Version": "X"} }, "InvalidParameter", "Version"},
	})
}

// What is odd but harmless must pass: every real client does some of it.
func TestAccepted(t *testing.T) {
	for _, test := range []struct {
		name   string
		base   vector
		before func(*Request)
		after  func(*Request)
	}{
		{"V1: empty SignatureType is signed", goodV1, put("SignatureType", ""), all()},
		{"V1: same name and value in query and form", goodV1, all(), func(r *Request) { r.Form = map[string]string{"OrderId": "123451222"} }},
		{"V1: Basic authorization beside it", goodV1, all(), set("Authorization", "Basic dDp0")},
		{"V1: bare ACS word", goodV1, all(), set("Authorization", "acs x")},
		{"V3: V1 parameters are only parameters", goodV3, all(put("Signature", "x"), put("AccessKeyId", "other"), put("SignatureVersion", "9")), all()},
		{"V3: equal Action and Version parameters", goodV3, all(put("Action", "DescribeCertificateState"), put("Version", "2020-04-07")), all()},
		{"V3: unsigned headers", goodV3, all(), all(set("Accept", "*/*"), set("x-acs-trace", "t"), twice("Accept"))},
		{"V3: signed retry header", goodV3, set("x-acs-retry-attempts", "1"), all()},
		{"V3: fields in another order", goodV3, all(), func(r *Request) {
			a := strings.TrimPrefix(r.Header.Get("Authorization"), acs3+" ")
			p := strings.Split(a, ",")
			r.Header.Set("Authorization", acs3+"  "+p[2]+" , "+p[0]+", "+p[1])
		}},
		{"V3: nil body", goodV3, all(), func(r *Request) { r.Body = nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := test.base.request()
			test.before(r)
			if err := Sign(r, test.base.credentials, test.base.options); err != nil {
				t.Fatal(err)
			}
			test.after(r)
			c, err := Read(r)
			if err != nil || !c.Verify([]byte("testsecret")) || c.Scheme != test.base.options.Scheme || c.AccessKeyID != "testid" {
				t.Errorf("refused: %v, %v", c, err)
			}
		})
	}
}

func TestSignatureTypeIsSigned(t *testing.T) {
	r := goodV1.request()
	r.Query["SignatureType"] = ""
	if err := Sign(r, goodV1.credentials, goodV1.options); err != nil {
		t.Fatal(err)
	}
	if c, err := Read(r); err != nil || !strings.Contains(c.StringToSign(), "%26SignatureType%3D%26") {
		t.Errorf("SignatureType= is not in the string to sign: %v", err)
	}
}

func TestEmptyActionIsLeftToTheGateway(t *testing.T) {
	for _, base := range []vector{goodV1, goodV3} {
		o := base.options
		o.Action, o.Version = "", ""
		r := base.request()
		if err := Sign(r, base.credentials, o); err != nil {
			t.Fatal(err)
		}
		if c, err := Read(r); err != nil || c.Action != "" || c.Version != "" || !c.Verify([]byte("testsecret")) {
			t.Errorf("%s: got %v, %v", o.Scheme, c, err)
		}
	}
}

func TestTokenOfV1(t *testing.T) {
	r := &Request{Method: http.MethodGet}
	if err := Sign(r, vectors[8].credentials, goodV1.options); err != nil {
		t.Fatal(err)
	}
	if c, err := Read(r); err != nil || c.SecurityToken != "sts-token-example" {
		t.Errorf("got %v, %v", c, err)
	}
}
