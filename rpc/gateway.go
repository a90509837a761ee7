// Package rpc is the gateway: it turns a signed HTTP request into a call of an
// operation and the outcome into an answer. It knows operations only as rows of
// the tables that are mounted on it.
//
// Checks come in the order that gives a caller the most useful answer: method,
// parameters, action and version, access key, time, signature, security token,
// nonce, rate, permission, and then the operation's own parameters. Nothing is stored for
// a request whose signature is wrong; one that is right leaves its nonce and a line
// in the audit log, in the transaction of what it does.
package rpc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"strconv"
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
	// Inside are tables that only Call reaches, of no version that a request could name.
	Inside []chancery.API
	// ClockSkew is how far a request's time may be off, either way. Default 15 minutes.
	ClockSkew time.Duration
	// NotBefore refuses requests from before; zero: as ClockSkew says. Where data was
	// restored, the nonces of such requests may be lost.
	NotBefore time.Time
	// Rates says how often an account may call an operation; nil: as often as it likes.
	Rates Rates
	// Metrics may be nil.
	Metrics *Metrics

	throttle throttle
	parsed   policyCache
}

// DefaultClockSkew is what the API's pages name.
const DefaultClockSkew = 15 * time.Minute

// call is one request on its way through the gateway.
type call struct {
	id, trace  string
	began      time.Time
	request    *http.Request // nil for a call from inside
	address    netip.Addr
	format     format
	scheme     string
	api        chancery.API
	operation  chancery.Operation
	caller     chancery.Caller
	session    *chancery.Session // of temporary credentials
	trail      *trail            // nil until the signature proved right
	policies   *policies         // of the caller, once they were asked for
	claimed    string            // the access key id that the request names, for the log
	parameters chancery.Parameters
	keyNames   []string // what else the answer's private key belongs to
	// withoutKeys: the answer is to hold no private key at all.
	withoutKeys bool
	body        []byte // of the answer, once the operation succeeded
}

// resource is what the call is about, as far as is known.
func (c *call) resource() string {
	if c.trail == nil {
		return ""
	}
	return c.trail.line.Resource
}

// ServeHTTP implements http.Handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: newRequestID(), trace: randomHex(16), began: time.Now(), request: r, address: addressOf(r)} //nolint:forbidigo // it measures
	output, err := guarded(func() (any, error) { return g.serve(c) })
	a := c.render(err)
	header := w.Header()
	header.Set("Content-Type", a.contentType)
	header.Set("X-Acs-Request-Id", c.id)
	header.Set("X-Acs-Trace-Id", c.trace)
	header.Set("Cache-Control", "no-store") // answers hold private keys
	header.Set("X-Content-Type-Options", "nosniff")
	if a.retryAfter > 0 {
		header.Set("X-Acs-Retry-After", strconv.FormatInt(a.retryAfter.Milliseconds(), 10))
		seconds := strconv.FormatFloat(math.Ceil(a.retryAfter.Seconds()), 'f', 0, 64)
		header.Set("Retry-After", seconds) // for proxies and for clients that know HTTP alone
		// Milliseconds too, by its name; but the one client that reads it sleeps that
		// many seconds, and a hundred without it.
		header.Set("X-Ratelimit-User-Api", "TimeLeft:"+seconds)
	}
	w.WriteHeader(a.status)
	_, writeErr := w.Write(a.body)
	g.log(r.Context(), c, output, a, err, writeErr)
	g.Metrics.observe(c, a, time.Since(c.began))
}

// guarded turns a panic into an internal error of this request alone.
func guarded(do func() (any, error)) (output any, err error) {
	defer func() {
		if p := recover(); p != nil {
			output, err = nil, fmt.Errorf("panic: %v\n%s", p, stack())
		}
	}()
	return do()
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
	ctx := chancery.Hurry(r.Context(), storeTime)
	if err := g.authenticate(ctx, c, m); err != nil {
		return nil, err
	}
	return g.run(ctx, c)
}

// storeTime is how long the store may keep a caller waiting, who is promised an answer
// within five seconds.
const storeTime = 4 * time.Second

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

// run does the operation and leaves the trail of the request, which may refuse it
// still: a nonce that was used before undoes what it would have done.
func (g *Gateway) run(ctx context.Context, c *call) (any, error) {
	ctx = chancery.Confine(ctx, c.caller.AccountID)
	if err := g.throttle.take(g.Rates, c.caller.AccountID, c.operation, g.Clock.Now()); err != nil {
		return nil, errors.Join(err, c.trail.useNonceAlone(ctx, g.Store))
	}
	c.trail.begin(c, g.Clock.Now())
	output, err := guarded(func() (any, error) { return g.operate(withTrail(ctx, c.trail), c) })
	if chancery.CodeOf(err) == SignatureNonceUsed || errors.Is(err, chancery.ErrStoreAway) {
		return nil, err // the trail is there, or cannot be left
	}
	if err != nil {
		output = nil
	}
	if trailErr := c.trail.finish(ctx, g.Store, err, revealsKey(output)); trailErr != nil {
		return nil, trailErr
	}
	return output, err
}

func (g *Gateway) operate(ctx context.Context, c *call) (any, error) {
	input := c.operation.NewInput()
	malformed := c.parameters.Decode(input)
	c.trail.about(resourceOf(input))
	// Who may not make the call learns nothing about its parameters.
	if err := g.authorise(ctx, c, input); err != nil {
		return nil, err
	}
	if malformed != nil {
		return nil, malformed
	}
	output, err := c.operation.Do(ctx, c.caller, input)
	if err != nil {
		return nil, err
	}
	if c.trail.line.Resource == "" {
		c.trail.line.Resource = resourceOf(output)
	}
	if err := g.withholdKey(ctx, c, output); err != nil {
		return nil, err
	}
	if c.request == nil {
		return output, nil // whoever calls from inside takes it as it is
	}
	// Written before the audit log says that it was answered.
	c.body, err = c.encode(output)
	return output, err
}

// resourceOf asks an Input or Output what it is about.
func resourceOf(v any) string {
	if named, ok := v.(interface{ Resource() string }); ok {
		return named.Resource()
	}
	return ""
}

// log writes the one event of a request. It never holds parameters or bodies.
func (g *Gateway) log(ctx context.Context, c *call, output any, a answer, err, writeErr error) {
	level := slog.LevelInfo
	attributes := []slog.Attr{
		slog.String("request", c.id), slog.String("trace", c.trace),
		slog.String("action", c.operation.Name), slog.String("scheme", c.scheme),
		slog.Int64("account", int64(c.caller.AccountID)), slog.String("access_key", c.claimed),
		slog.String("from", c.address.String()), slog.String("resource", c.resource()),
		slog.Int("status", a.status), slog.String("code", string(a.code)), slog.Duration("took", time.Since(c.began)),
	}
	if c.caller.Principal.Kind != "" {
		attributes = append(attributes, slog.String("principal", c.caller.Principal.ARN()))
	}
	if revealsKey(output) {
		attributes = append(attributes, slog.Bool("private_key_read", true))
	}
	if a.status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) {
		level = slog.LevelError
		attributes = append(attributes, slog.String("error", err.Error()))
	}
	if writeErr != nil {
		attributes = append(attributes, slog.String("answer_not_sent", writeErr.Error()))
	}
	g.Log.LogAttrs(context.WithoutCancel(ctx), level, "request", attributes...)
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
