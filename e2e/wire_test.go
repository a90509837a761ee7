package e2e

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// Clients send PEM chains in the query string: request lines of 128 KB pass.
// There is an end to it.
func TestLongRequestLines(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	for _, test := range []struct {
		bytes  int
		passes bool
	}{
		{1 << 10, true},
		{128 << 10, true},
		{300 << 10, false},
	} {
		for _, scheme := range []signature.Scheme{signature.V1, signature.V3} {
			t.Run(fmt.Sprintf("%s %d KB", scheme, test.bytes>>10), func(t *testing.T) {
				t.Parallel()
				padding := map[string]string{"Unknown": strings.Repeat("x", test.bytes)}
				request := call{action: "DescribePackageState", key: s.key, scheme: scheme, format: "JSON", parameters: padding}.sign(t, s.endpoint)
				a, err := request.try(t, s.endpoint)
				switch {
				case test.passes && err != nil:
					t.Fatal(err)
				case test.passes:
					a.expect(t, http.StatusOK, "")
				case err == nil && a.status != http.StatusRequestHeaderFieldsTooLarge:
					// The connection may also have ended while the request was on its way.
					t.Errorf("the answer is %d", a.status)
				}
			})
		}
	}
}

var (
	requestID = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	traceID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// Every answer names its request, in the header and in the body alike.
func TestAnswersNameTheirRequest(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	seen := map[string]bool{}
	for name, one := range map[string]call{
		"V1":             {action: "DescribePackageState", key: s.key, format: "JSON"},
		"V3":             {action: "DescribePackageState", key: s.key, scheme: signature.V3},
		"error":          {action: "DescribeCertificateState", key: s.key, format: "JSON", parameters: map[string]string{"OrderId": "1"}},
		"not signed in":  {action: "DescribePackageState", key: wrong(s.key), scheme: signature.V3},
		"unknown action": {action: "NoSuchAction", key: s.key, scheme: signature.V3},
	} {
		a := one.do(t, s)
		header := a.header.Get("X-Acs-Request-Id")
		if header != a.RequestId || !requestID.MatchString(header) || seen[header] {
			t.Errorf("%s: the request is %q in the header and %q in the body", name, header, a.RequestId)
		}
		seen[header] = true
		if trace := a.header.Get("X-Acs-Trace-Id"); !traceID.MatchString(trace) {
			t.Errorf("%s: the trace is %q", name, trace)
		}
		if kind := a.header.Get("Content-Type"); kind != "application/json;charset=utf-8" {
			t.Errorf("%s: the content type is %q", name, kind)
		}
		if a.status == http.StatusOK {
			continue
		}
		status, page := get(t, a.Recommend)
		if status != http.StatusOK || !strings.HasPrefix(page, a.Code) || a.HostId != hostOf(t, s.endpoint) {
			t.Errorf("%s: host %q recommends %q, which answers %d %s", name, a.HostId, a.Recommend, status, page)
		}
	}
}

// Under V3 the parameters may stand in a JSON body.
func TestParametersInJSON(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	made := call{
		action: "CreateCertificateRequest", key: s.key, scheme: signature.V3, method: http.MethodPost, json: true,
		parameters: application("json.example.test", "FILE"),
	}.do(t, s)
	made.expect(t, http.StatusOK, "")
	state := tenant{Client: s.client(t, s.key)}.state(t, made.OrderId)
	if state.Domain != "json.example.test" || state.ValidateType != "FILE" {
		t.Errorf("the order waits for %s of %q", state.ValidateType, state.Domain)
	}
}

// With --tls self the API has a certificate of its own CA, which our clients
// accept once they are given the root, and not before.
func TestOwnTLS(t *testing.T) {
	t.Parallel()
	s := startLight(t, "--tls", "self")
	if !strings.HasPrefix(s.endpoint, "https://") {
		t.Fatalf("the endpoint is %s", s.endpoint)
	}
	pem := rootOverTLS(t, s)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		t.Fatalf("root.pem holds no certificate:\n%s", pem)
	}
	c, err := client.New(s.endpoint, s.key, roots)
	if err != nil {
		t.Fatal(err)
	}
	who := tenant{Client: c}
	order := who.apply(t, "tls.example.test", "DNS")
	state := who.state(t, order)
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	who.issued(t, order)

	rootFile := file(t, "root.pem", string(pem))
	trusting := finish(t, append(s.signedIn(s.key), "CHANCERY_CA="+rootFile), program, "status", fmt.Sprint(order))
	if trusting.status != 0 || !strings.Contains(trusting.stdout, "issued") {
		t.Errorf("with --ca: status %d\n%s%s", trusting.status, trusting.stdout, trusting.stderr)
	}
	for condition, allowed := range map[string]bool{"true": true, "false": false} {
		user := s.userWhoMay(t, "over-tls-"+condition, `{"Version":"1","Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"acs:SecureTransport":"`+condition+`"}}}}`)
		c, err := client.New(s.endpoint, user, roots)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.DescribePackageState(soon(t), cas.DescribePackageStateInput{}); (err == nil) != allowed {
			t.Errorf("acs:SecureTransport %s over TLS: %v", condition, err)
		}
	}
	if distrusting, err := s.client(t, s.key).DescribePackageState(soon(t), cas.DescribePackageStateInput{}); err == nil {
		t.Errorf("without the root the client reads %+v", distrusting)
	}
}

// rootOverTLS fetches the root as somebody who will compare its fingerprint.
func rootOverTLS(t *testing.T, s *service) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(soon(t), http.MethodGet, s.endpoint+"/ca/root.pem", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("root.pem: %s, %v", response.Status, err)
	}
	return text
}
