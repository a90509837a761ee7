package signature

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// fromWire parses HTTP text as a gateway would.
func fromWire(t *testing.T, lines ...string) *Request {
	t.Helper()
	head, body, _ := strings.Cut(strings.Join(lines, "\r\n"), "\r\n\r\n")
	in, err := http.ReadRequest(bufio.NewReader(strings.NewReader(head + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r := &Request{Method: in.Method, Host: in.Host, Header: in.Header, Query: single(t, in.URL.RawQuery), Body: []byte(body)}
	if in.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		r.Form = single(t, body)
	}
	return r
}

func single(t *testing.T, text string) map[string]string {
	t.Helper()
	values, err := url.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	params := make(map[string]string)
	for name := range values {
		params[name] = values.Get(name)
	}
	return params
}

const commonQuery = "Format=JSON&Version=2020-04-07&AccessKeyId=testid&SignatureMethod=HMAC-SHA1&SignatureVersion=1.0&Timestamp=2024-08-01T02%3A03%3A04Z"

// These calls are written out as clients send them, so that they test Read
// without Sign.
func TestWire(t *testing.T) {
	form := "Content-Type: application/x-www-form-urlencoded"
	v3 := func(target string, lines ...string) []string {
		return append([]string{"POST " + target + " HTTP/1.1", "x-acs-version: 2020-04-07", "x-acs-date: 2024-08-01T02:03:04Z", "accept: application/json"}, lines...)
	}
	for _, test := range []struct {
		name  string
		lines []string
		want  Claim
	}{
		{"V1 GET", []string{
			"GET /?Action=DescribeCertificateState&OrderId=123451222&SignatureNonce=nonce-0001&" + commonQuery + "&Signature=JKcYs9vhFT77728kvi1a%2FTVKmcM%3D HTTP/1.1",
			"Host: cas.example.test", "", "",
		}, Claim{Scheme: V1, Method: "HMAC-SHA1", Action: "DescribeCertificateState", Nonce: "nonce-0001", Signature: "JKcYs9vhFT77728kvi1a/TVKmcM="}},
		{"V1 form, split", []string{
			"POST /?Action=CreateCertificateRequest&SignatureNonce=nonce-0002&" + commonQuery + "&Signature=jKzrjZtLzWBp%2BHGJhEg9FlGaw6Y%3D HTTP/1.1",
			"Host: cas.example.test", form, "", orderBody,
		}, Claim{Scheme: V1, Method: "HMAC-SHA1", Action: "CreateCertificateRequest", Nonce: "nonce-0002", Signature: "jKzrjZtLzWBp+HGJhEg9FlGaw6Y="}},
		{"V1 form, plus for space", []string{
			"POST / HTTP/1.1", "Host: cas.example.test", form, "",
			strings.ReplaceAll(orderBody, "%20", "+") + "&Action=CreateCertificateRequest&SignatureNonce=nonce-0002&" + commonQuery + "&Signature=jKzrjZtLzWBp%2BHGJhEg9FlGaw6Y%3D",
		}, Claim{Scheme: V1, Method: "HMAC-SHA1", Action: "CreateCertificateRequest", Nonce: "nonce-0002", Signature: "jKzrjZtLzWBp+HGJhEg9FlGaw6Y="}},
		{"V3 form", v3("/",
			"x-acs-action: CreateCertificateRequest", "Host: 127.0.0.1:8443", "x-acs-signature-nonce: nonce-0005", form,
			"x-acs-content-sha256:   6636ece93c618a365537bc1b9080caafc1b4b7367c896163388249ec507c3cbd  ",
			"Authorization: ACS3-HMAC-SHA256 Credential=testid,SignedHeaders=content-type;host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,Signature=b87229fe8837b4134796fa0200abc1e1d2e95fe1275ecb6a1b9163b10fb70c13",
			"", orderBody,
		), Claim{Scheme: V3, Method: "ACS3-HMAC-SHA256", Action: "CreateCertificateRequest", Nonce: "nonce-0005", Signature: "b87229fe8837b4134796fa0200abc1e1d2e95fe1275ecb6a1b9163b10fb70c13"}},
		{"V3 token, spaces after commas", v3("/?OrderId=123451222",
			"x-acs-action: DescribeCertificateState", "Host: cas.example.test", "x-acs-signature-nonce: nonce-0006",
			"x-acs-content-sha256: "+emptyHash, "x-acs-security-token: sts-token-example", "x-acs-accesskey-id: testid",
			"Authorization: ACS3-HMAC-SHA256 Credential=testid, SignedHeaders=host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version,  Signature=113c8119fb2efb855e2f67dfe8c8fd38d461a96e2c28fef61e1f6ed0ceb48be3",
			"", "",
		), Claim{Scheme: V3, Method: "ACS3-HMAC-SHA256", Action: "DescribeCertificateState", Nonce: "nonce-0006", SecurityToken: "sts-token-example", Signature: "113c8119fb2efb855e2f67dfe8c8fd38d461a96e2c28fef61e1f6ed0ceb48be3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := Read(fromWire(t, test.lines...))
			if err != nil {
				t.Fatal(err)
			}
			if !c.Verify([]byte("testsecret")) {
				t.Errorf("does not verify; string to sign: %s", c.StringToSign())
			}
			got := *c
			got.canonical, got.text = "", ""
			test.want.AccessKeyID, test.want.Version, test.want.Timestamp = "testid", "2020-04-07", "2024-08-01T02:03:04Z"
			if got != test.want {
				t.Errorf("claim\n got %#v\nwant %#v", fields(got), fields(test.want))
			}
		})
	}
}

// fields undoes Claim's terse printing.
func fields(c Claim) []string {
	return []string{string(c.Scheme), c.AccessKeyID, c.SecurityToken, c.Nonce, c.Timestamp, c.Method, c.Signature, c.Action, c.Version}
}
