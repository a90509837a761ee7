package acme

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
)

// Limits of one request.
const (
	maxAnswer  = 1 << 20
	maxHeader  = 64 << 10
	maxURL     = 2048
	callTime   = 30 * time.Second
	headerTime = 20 * time.Second
)

// NewHTTP makes an HTTP client with limits, that follows no redirects. It trusts
// roots, or the system's if nil.
func NewHTTP(roots *x509.CertPool) *http.Client {
	return &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: maxHeader,
			ResponseHeaderTimeout:  headerTime,
			TLSHandshakeTimeout:    headerTime,
			IdleConnTimeout:        time.Minute,
			MaxIdleConnsPerHost:    8,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is a response that was read whole.
type answer struct {
	status int
	header http.Header
	kind   string // the media type
	body   []byte
	after  time.Time
}

// CheckURL refuses a URL that no request goes to.
func (c *Client) CheckURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Host == "", u.User != nil, u.Fragment != "", u.Opaque != "", len(text) > maxURL:
		return unusable("it gives something for a URL that is none, or that is not to be used")
	case u.Scheme == "https", u.Scheme == "http" && c.AllowHTTP:
		return nil
	}
	return unusable("it gives a URL that is not https")
}

// send makes one request and reads the answer, whatever its status.
func (c *Client) send(ctx context.Context, method, to string, body []byte, accept string) (*answer, error) {
	if err := c.CheckURL(to); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, to, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("User-Agent", "Chancery-ACME/1")
	if accept != "" {
		request.Header.Set("Accept", accept)
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/jose+json")
	}
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the CA: %w", err)
	}
	defer func() { _ = response.Body.Close() }()
	a := &answer{status: response.StatusCode, header: response.Header}
	a.after = retryAfter(response.Header, c.Now())
	if a.body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1)); err != nil {
		return nil, fmt.Errorf("reading the CA's answer: %w", err)
	}
	if len(a.body) > maxAnswer {
		return nil, &AnswerError{What: "it is longer than 1 MiB", Status: a.status, After: a.after}
	}
	a.kind, _, _ = mime.ParseMediaType(response.Header.Get("Content-Type"))
	c.keepNonce(response.Header.Get("Replay-Nonce"))
	return a, nil
}

// retryAfter reads Retry-After in either form (RFC 9110, 10.2.3).
func retryAfter(h http.Header, now time.Time) time.Time {
	const longest = 31 * 24 * time.Hour // beyond which it is a mistake
	text := h.Get("Retry-After")
	if seconds, err := strconv.ParseInt(text, 10, 32); err == nil && seconds >= 0 {
		return now.Add(min(time.Duration(seconds)*time.Second, longest))
	}
	if at, err := http.ParseTime(text); err == nil && at.Before(now.Add(longest)) {
		return at.UTC()
	}
	return time.Time{}
}

// judge turns everything but success into an error.
func (a *answer) judge(statuses ...int) error {
	if slices.Contains(statuses, a.status) {
		return nil
	}
	if a.kind == "application/problem+json" && a.status >= 400 {
		p := &ProblemError{}
		if json.Unmarshal(a.body, p) == nil && p.Type != "" {
			p.Status, p.After = a.status, a.after
			return p
		}
	}
	what := "it is neither what was asked for nor a problem document"
	switch {
	case a.status >= 300 && a.status < 400:
		what = "it is a redirect, which ACME does not know"
	case a.kind == "text/html":
		what = "it is a web page"
	}
	return &AnswerError{What: what, Status: a.status, After: a.after}
}

// read decodes a JSON answer.
func (a *answer) read(into any) error {
	if a.kind != "application/json" {
		return &AnswerError{What: "its content type is not application/json", Status: a.status, After: a.after}
	}
	if err := json.Unmarshal(a.body, into); err != nil {
		return &AnswerError{What: "it is not the JSON that RFC 8555 asks for", Status: a.status, After: a.after}
	}
	return nil
}

// location is the URL of what was made.
func (c *Client) location(a *answer) (string, error) {
	to := a.header.Get("Location")
	if to == "" {
		return "", unusable("it has no Location")
	}
	return to, c.CheckURL(to)
}

const (
	// nonceTries is how often a refused nonce is replaced.
	nonceTries = 12
	maxNonces  = 16
	maxNonce   = 512
)

func (c *Client) keepNonce(nonce string) {
	if nonce == "" || len(nonce) > maxNonce {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.nonces) < maxNonces {
		c.nonces = append(c.nonces, nonce)
	}
}

func (c *Client) takeNonce() (nonce string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := len(c.nonces); n > 0 {
		nonce, c.nonces = c.nonces[n-1], c.nonces[:n-1]
	}
	return nonce
}

func (c *Client) nonce(ctx context.Context) (string, error) {
	if nonce := c.takeNonce(); nonce != "" {
		return nonce, nil
	}
	d, err := c.Discover(ctx)
	if err != nil {
		return "", err
	}
	a, err := c.send(ctx, http.MethodHead, d.NewNonce, nil, "")
	if err == nil {
		err = a.judge(http.StatusOK, http.StatusNoContent)
	}
	if err != nil {
		c.forget(err)
		return "", fmt.Errorf("asking for a nonce: %w", err)
	}
	if nonce := c.takeNonce(); nonce != "" { // send kept it
		return nonce, nil
	}
	return "", unusable("it has no Replay-Nonce")
}

// post sends a signed payload; nil asks for what is at the URL. The key itself signs
// where there is no account yet.
func (c *Client) post(ctx context.Context, to string, payload any, byKey bool, accept string) (*answer, error) {
	var text []byte
	if payload != nil {
		var err error
		if text, err = json.Marshal(payload); err != nil {
			return nil, err
		}
	}
	h := header{Alg: "ES256", URL: to, KID: c.accountURL()}
	if byKey {
		h.KID = ""
		var err error
		if h.JWK, err = jwk(c.Key.Public()); err != nil {
			return nil, err
		}
	}
	for try := 1; ; try++ {
		var err error
		if h.Nonce, err = c.nonce(ctx); err != nil {
			return nil, err
		}
		body, err := message(h, text, signES256(c.Key))
		if err != nil {
			return nil, err
		}
		a, err := c.send(ctx, http.MethodPost, to, body, accept)
		if err == nil {
			err = a.judge(http.StatusOK, http.StatusCreated)
		}
		var p *ProblemError
		if errors.As(err, &p) && p.Kind() == BadNonce && p.After.IsZero() && try < nonceTries {
			continue
		}
		if err != nil {
			c.forget(err)
		}
		return a, err
	}
}
