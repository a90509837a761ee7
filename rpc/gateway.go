// Package rpc is the gateway: it turns a signed HTTP request into a call of an
// operation and the outcome into an answer. It knows operations only as rows of
// the tables that are mounted on it.
//
// Checks come in the order that gives a caller the most useful answer: method,
// parameters, action and version, access key, time, signature, nonce, and then
// the operation's own parameters. Nothing is stored for a request whose
// signature is wrong.
package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"chancery"
)

// Gateway serves the API. All fields without a default are needed; none is
// changed after the first request.
type Gateway struct {
	Store chancery.Store
	Clock chancery.Clock
	Log   *slog.Logger
	APIs  []chancery.API
	// ClockSkew is how far a request's time may be off, either way. Default 15 minutes.
	ClockSkew time.Duration
	// Metrics may be nil.
	Metrics *Metrics
}

// DefaultClockSkew is what the API's pages name.
const DefaultClockSkew = 15 * time.Minute

// call is one request on its way through the gateway.
type call struct {
	id, trace  string
	began      time.Time
	request    *http.Request
	format     format
	scheme     string
	api        chancery.API
	operation  chancery.Operation
	caller     chancery.Caller
	claimed    string // the access key id that the request names, for the log
	parameters chancery.Parameters
	resource   string
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: newRequestID(), trace: randomHex(16), began: time.Now(), request: r} //nolint:forbidigo // it measures
	output, err := g.guarded(c)
	a, err := c.render(output, err)
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("X-Acs-Request-Id", c.id)
	header.Set("X-Acs-Trace-Id", c.trace)
	header.Set("Cache-Control", "no-store") // answers hold private keys
	header.Set("X-Content-Type-Options", "nosniff")
	if a.status == http.StatusServiceUnavailable {
		header.Set("X-Acs-Retry-After", "2000")
	}
	w.WriteHeader(a.status)
	_, writeErr := w.Write(a.body)
	g.log(c, output, a, err, writeErr)
	g.Metrics.observe(c, a, time.Since(c.began))
}

// guarded turns a panic into an internal error of this request alone.
func (g *Gateway) guarded(c *call) (output any, err error) {
	defer func() {
		if p := recover(); p != nil {
			output, err = nil, fmt.Errorf("panic: %v\n%s", p, stack())
		}
	}()
	return g.serve(c)
}

func (g *Gateway) serve(c *call) (any, error) {
	r := c.request
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		return nil, chancery.Errorf(UnsupportedHTTPMethod, "use GET or POST, not %s", r.Method)
	}
	if r.URL.Path != "/" {
		return nil, chancery.Errorf(InvalidActionNotFound, "the API has one path, /, and names the operation in Action or x-acs-action")
	}
	m, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	c.parameters = m.all
	if c.format, err = formatOf(r, m); err != nil {
		return nil, err
	}
	if err := g.find(c, m); err != nil {
		return nil, err
	}
	if err := g.authenticate(r.Context(), c, m); err != nil {
		return nil, err
	}
	return g.run(r.Context(), c)
}

// find finds the row of the operation that the request names.
func (g *Gateway) find(c *call, m *message) error {
	action, version := m.named()
	switch {
	case action == "":
		return chancery.Errorf("MissingAction", "Action is required: it names the operation")
	case version == "":
		return chancery.Errorf("MissingVersion", "Version is required: it names the API version, as %s", g.APIs[0].Version)
	}
	for _, api := range g.APIs {
		if api.Version != version {
			continue
		}
		for _, operation := range api.Operations {
			if operation.Name == action {
				c.api, c.operation = api, operation
				return nil
			}
		}
		return chancery.Errorf(InvalidActionNotFound, "version %s has no operation of the name given in Action; check URL and method, and the letter case of the name", version)
	}
	return chancery.Errorf("InvalidVersion", "the version given is not served here; use %s", g.APIs[0].Version)
}

func (g *Gateway) run(ctx context.Context, c *call) (any, error) {
	input := c.operation.NewInput()
	if err := c.parameters.Decode(input); err != nil {
		return nil, err
	}
	c.resource = resourceOf(input)
	output, err := c.operation.Do(ctx, c.caller, input)
	if err != nil {
		return nil, err
	}
	if c.resource == "" {
		c.resource = resourceOf(output)
	}
	return output, nil
}

// resourceOf asks an Input or Output what it is about.
func resourceOf(v any) string {
	if named, ok := v.(interface{ Resource() string }); ok {
		return named.Resource()
	}
	return ""
}

// log writes the one event of a request. It never holds parameters or bodies.
func (g *Gateway) log(c *call, output any, a answer, err, writeErr error) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request", c.id), slog.String("trace", c.trace),
		slog.String("action", c.operation.Name), slog.String("scheme", c.scheme),
		slog.Int64("account", int64(c.caller.AccountID)), slog.String("access_key", c.claimed),
		slog.String("from", addressOf(c.request).String()), slog.String("resource", c.resource),
		slog.Int("status", a.status), slog.String("code", string(a.code)), slog.Duration("took", time.Since(c.began)),
	}
	if reveals, ok := output.(interface{ RevealsKey() bool }); ok && reveals.RevealsKey() {
		attributes = append(attributes, slog.Bool("private_key_read", true))
	}
	if a.status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	if writeErr != nil {
		attributes = append(attributes, slog.String("answer_not_sent", writeErr.Error()))
	}
	g.Log.LogAttrs(context.WithoutCancel(c.request.Context()), level, "request", attributes...)
}

func addressOf(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

// newRequestID makes a version 4 UUID in upper case.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return strings.ToUpper(fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16]))
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
