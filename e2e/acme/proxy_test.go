package acme

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery/admin"
	"chancery/internal/pebble"
)

// proxy stands between the service and Pebble and does what Pebble cannot. It keeps
// the Host header, from which Pebble makes its URLs, so that all calls come here.
type proxy struct {
	*httptest.Server

	mu     sync.Mutex // guards what follows
	fault  fault
	closed map[string]time.Time // what must not be asked for before
	early  []string             // what was, all the same
	calls  map[string]int       // by kind and subject
}

// fault is how the proxy spoils calls. Each function may be nil.
type fault struct {
	// instead answers a call in Pebble's place, or gives false. n counts the calls of
	// this kind for this subject, from 1.
	instead func(w http.ResponseWriter, c passing) bool
	// after changes Pebble's answer; an error cuts the connection.
	after func(c passing, answer *http.Response) error
}

// passing is a call on its way.
type passing struct {
	kind    string // new-order, order, authz, challenge, finalize, certificate, ...
	subject string // the names of a new order, and else the URL
	n       int
	host    string
}

var kinds = map[string]string{
	"/dir": "directory", "/nonce-plz": "nonce", "/sign-me-up": "new-account", "/order-plz": "new-order", "/my-order/": "order",
	"/authZ/": "authz", "/chalZ/": "challenge", "/finalize-order/": "finalize", "/certZ/": "certificate", "/revoke-cert": "revoke",
}

func newProxy(t *testing.T, ca *pebble.Server) *proxy {
	t.Helper()
	to, err := url.Parse(ca.Directory)
	must(t, err)
	to.Path = ""
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(ca.Bundle))
	p := &proxy{closed: map[string]time.Time{}, calls: map[string]int{}}
	reverse := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host
		},
		ModifyResponse: p.passBack,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:      &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: true},
	}
	p.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := p.see(r)
		p.mu.Lock()
		instead := p.fault.instead
		p.mu.Unlock()
		if instead != nil && instead(w, c) {
			return
		}
		reverse.ServeHTTP(w, r.WithContext(withCall(r.Context(), c)))
	}))
	p.Config.ErrorLog = quiet
	p.StartTLS()
	t.Cleanup(p.Close)
	return p
}

// point has an issuer call the proxy.
func (p *proxy) point(in *admin.Issuer) {
	in.Directory = p.URL + "/dir"
	in.CABundle = pemOf(p.Certificate())
}

// see counts a call, and notices one that comes too early.
func (p *proxy) see(r *http.Request) passing {
	c := passing{subject: r.URL.String(), host: r.Host, kind: "other"}
	for path, kind := range kinds {
		if r.URL.Path == path || strings.HasSuffix(path, "/") && strings.HasPrefix(r.URL.Path, path) {
			c.kind = kind
		}
	}
	if c.kind == "new-order" {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		c.subject = namesIn(body)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	key := c.kind + " " + c.subject
	p.calls[key]++
	c.n = p.calls[key]
	if now := time.Now(); now.Before(p.closed[key]) {
		p.early = append(p.early, fmt.Sprintf("%s, %v before its time", key, p.closed[key].Sub(now)))
	}
	return c
}

// close tells that a call must not come again for a time.
func (p *proxy) shut(c passing, seconds int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// Retry-After counts in whole seconds from when the answer came.
	p.closed[c.kind+" "+c.subject] = time.Now().Add(time.Duration(seconds) * time.Second)
}

func (p *proxy) set(f fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault, p.calls, p.closed = f, map[string]int{}, map[string]time.Time{}
}

func (p *proxy) passBack(answer *http.Response) error {
	c, _ := callOf(answer.Request.Context())
	p.mu.Lock()
	after := p.fault.after
	p.mu.Unlock()
	if after == nil {
		return nil
	}
	return after(c, answer)
}

var identifier = regexp.MustCompile(`"value":"([^"]+)"`)

// namesIn reads the names that a signed newOrder is for.
func namesIn(body []byte) string {
	var message struct{ Payload string }
	_ = json.Unmarshal(body, &message)
	payload, _ := base64.RawURLEncoding.DecodeString(message.Payload)
	var names []string
	for _, match := range identifier.FindAllSubmatch(payload, -1) {
		names = append(names, string(match[1]))
	}
	return strings.Join(names, ",")
}

// problem answers with a problem document.
func problem(w http.ResponseWriter, status int, kind, detail string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"type":"urn:ietf:params:acme:error:%s","detail":%q,"status":%d}`, kind, detail, status)
}

// edit changes the JSON of an answer.
func edit(answer *http.Response, change func(map[string]any)) error {
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	var fields map[string]any
	if json.Unmarshal(body, &fields) == nil {
		change(fields)
		if body, err = json.Marshal(fields); err != nil {
			return err
		}
	}
	replace(answer, body)
	return nil
}

func replace(answer *http.Response, body []byte) {
	answer.Body = io.NopCloser(bytes.NewReader(body))
	answer.ContentLength = int64(len(body))
	answer.Header.Set("Content-Length", strconv.Itoa(len(body)))
}
