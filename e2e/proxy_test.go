package e2e

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
)

// cutter is a proxy before a service that once, after a call of one action was
// answered, hangs up on the caller instead of passing the answer on.
type cutter struct {
	url    string
	action string

	mu     sync.Mutex
	passed []string // nonces of the action's calls; guarded by mu
}

var errCut = errors.New("cut")

func startCutter(t testing.TB, s *service, action string) *cutter {
	t.Helper()
	to, err := url.Parse(s.endpoint)
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{action: action}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: c.pass,
		ErrorHandler:   func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
		Transport:      &http.Transport{DisableKeepAlives: true},
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
	defer c.mu.Unlock()
	c.passed = append(c.passed, nonce)
	if len(c.passed) == 1 {
		return errCut
	}
	return nil
}

// nonces are those of the action's calls that the service answered.
func (c *cutter) nonces() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.passed
}
