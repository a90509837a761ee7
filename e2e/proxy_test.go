package e2e

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// cutter is a proxy before a service that hangs up on the caller instead of passing on
// an answer to one action, or in the middle of it.
type cutter struct {
	url    string
	action string
	decide func(passed int) fate

	mu     sync.Mutex
	passed []string // nonces of the action's calls that the service answered; guarded by mu
}

// fate is what a cutter does with an answer.
type fate int

const (
	whole fate = iota
	unsent
	half
)

var errCut = errors.New("cut")

// first cuts off the first answer alone.
func first(passed int) fate {
	if passed == 1 {
		return unsent
	}
	return whole
}

func startCutter(t testing.TB, s *service, action string, decide func(passed int) fate) *cutter {
	t.Helper()
	to, err := url.Parse(s.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{action: action, decide: decide}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: c.pass,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:      &http.Transport{DisableKeepAlives: true},
		ErrorLog:       log.New(io.Discard, "", 0),
		FlushInterval:  -1, // half an answer is sent before the other half is missed
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// pass sees every answer on its way; an error cuts it off.
func (c *cutter) pass(answer *http.Response) error {
	r := answer.Request
	action, nonce := r.Header.Get("X-Acs-Action"), r.Header.Get("X-Acs-Signature-Nonce")
	if action == "" || r.URL.Query().Has("Action") {
		action, nonce = r.URL.Query().Get("Action"), r.URL.Query().Get("SignatureNonce")
	}
	if action != c.action {
		return nil
	}
	c.mu.Lock()
	c.passed = append(c.passed, nonce)
	fate := c.decide(len(c.passed))
	c.mu.Unlock()
	switch fate {
	case unsent:
		return errCut
	case half:
		answer.Body = &halfBody{io.LimitReader(answer.Body, answer.ContentLength/2), answer.Body}
	case whole:
	}
	return nil
}

// halfBody ends with an error in the middle.
type halfBody struct {
	io.Reader
	io.Closer
}

// Read implements io.Reader.
func (b *halfBody) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = errCut
	}
	return n, err
}

// nonces are those of the action's calls that the service answered.
func (c *cutter) nonces() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}
