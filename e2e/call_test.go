package e2e

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"
	"time"

	"chancery/cas"
	"chancery/signature"
)

// call is one request that is signed by hand, where a client would stand in the
// way.
type call struct {
	action     string
	parameters map[string]string
	key        signature.Credentials
	scheme     signature.Scheme // default V1
	method     string           // default GET
	json       bool             // V3: parameters in a JSON body instead of the query
	format     string           // V1: Format
	at         time.Time        // default now
}

// wire is a signed request, ready to be sent any number of times.
type wire struct {
	method, host, query string
	header              http.Header
	body                []byte
}

// answer is what the service said. The fields under it are those of a JSON body.
type answer struct {
	status int
	header http.Header
	body   []byte

	RequestId, HostId, Code, Message, Recommend string
	OrderId                                     int64
}

// do signs and sends.
func (c call) do(t testing.TB, s *service) answer {
	t.Helper()
	return c.sign(t, s.endpoint).send(t, s.endpoint)
}

// sign makes the request for the endpoint, with a new nonce.
func (c call) sign(t testing.TB, endpoint string) wire {
	t.Helper()
	request := &signature.Request{Method: http.MethodGet, Host: hostOf(t, endpoint), Header: http.Header{}, Query: map[string]string{}}
	if c.method != "" {
		request.Method = c.method
	}
	if c.json {
		var err error
		if request.Body, err = json.Marshal(c.parameters); err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
	} else {
		for name, value := range c.parameters {
			request.Query[name] = value
		}
	}
	options := signature.Options{
		Scheme: c.scheme, Action: c.action, Version: cas.Version, Format: c.format, Nonce: rand.Text(), Time: c.at,
	}
	if options.Scheme == "" {
		options.Scheme = signature.V1
	}
	if options.Time.IsZero() {
		options.Time = time.Now()
	}
	if err := signature.Sign(request, c.key, options); err != nil {
		t.Fatal(err)
	}
	query := url.Values{}
	for name, value := range request.Query {
		query.Set(name, value)
	}
	return wire{request.Method, request.Host, query.Encode(), request.Header, request.Body}
}

// send sends the request to an endpoint, which need not be the one it names.
func (w wire) send(t testing.TB, endpoint string) answer {
	t.Helper()
	response, err := w.try(t, endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func (w wire) try(t testing.TB, endpoint string) (answer, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(soon(t), w.method, endpoint+"/?"+w.query, bytes.NewReader(w.body))
	if err != nil {
		return answer{}, err
	}
	request.Header, request.Host = w.header.Clone(), w.host
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		return answer{}, err
	}
	defer func() { _ = response.Body.Close() }()
	a := answer{status: response.StatusCode, header: response.Header}
	if a.body, err = io.ReadAll(response.Body); err != nil {
		return a, err
	}
	_ = json.Unmarshal(a.body, &a) // XML and pages of the HTTP server have none of the fields
	return a, nil
}

// expect checks status and code of an answer.
func (a answer) expect(t testing.TB, status int, code string) {
	t.Helper()
	if a.status != status || a.Code != code {
		t.Errorf("the answer is %d %q, want %d %q\n%s", a.status, a.Code, status, code, a.body)
	}
}

// application is what a Create call needs.
func application(name, method string) map[string]string {
	return map[string]string{"Username": "Tom", "Phone": "13900001111", "Email": "ops@example.com", "Domain": name, "ValidateType": method}
}

func hostOf(t testing.TB, endpoint string) string {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}
