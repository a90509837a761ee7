// Package consoletest starts the service with its console for a test, and visits it: as
// a client that keeps cookies and sends forms (Visitor), or with a real browser (Browser).
//
//	env := consoletest.New(t)
//	ada := env.Visit().SignIn(env.AsUser("ada", "AliyunYundunCertReadOnlyAccess"))
//	page := ada.Get("/console/")
//	page = ada.Post("/console/sign-out", nil)
package consoletest

import (
	"log/slog"
	"net/http"
	"testing"

	"chancery"
	"chancery/admin"
	"chancery/ca"
	"chancery/console"
	"chancery/internal/testenv"
	"chancery/rpc"
)

// Env is a running service with its console.
type Env struct {
	*testenv.Env
	Admin *admin.Admin
	// Pages is the console, Console what serves it, for servers of a test's own.
	Pages   *console.Console
	Console http.Handler

	t testing.TB
}

// New starts it. The first account is the operator's.
func New(t testing.TB, change ...testenv.Option) *Env {
	t.Helper()
	return start(&Env{t: t}, nil, change...)
}

// WithDemonstration starts it as a quickstart does: names below the zone can be
// published by a button.
func WithDemonstration(t testing.TB, zone string, change ...testenv.Option) *Env {
	t.Helper()
	demo := &demonstration{zone: zone}
	e := start(&Env{t: t}, demo, change...)
	demo.env = e.Env
	return e
}

// demonstration publishes in the environment's own DNS and web server.
type demonstration struct {
	zone string
	env  *testenv.Env
}

// Zone implements console.Demonstration.
func (d *demonstration) Zone() string { return d.zone }

// Publish implements console.Demonstration.
func (d *demonstration) Publish(v chancery.Validation) error {
	if v.Method == chancery.DNS {
		d.env.Zone.Set(v.Record(), "TXT", v.Token)
		return nil
	}
	d.env.Zone.Set(string(v.Name), "A", "127.0.0.1")
	d.env.Web.PutAt(string(v.Name), v.Path(), v.Token)
	return nil
}

func start(e *Env, demo *demonstration, change ...testenv.Option) *Env {
	t := e.t
	t.Helper()
	mount := func(env *testenv.Env, mux *http.ServeMux, gateway *rpc.Gateway) {
		e.Admin = &admin.Admin{Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock}
		c := &console.Console{
			Store: env.Store, Gateway: gateway, Admin: e.Admin, Catalogue: env.Catalogue, Clock: env.Clock,
			Log: slog.New(slog.NewTextHandler(testLog{t}, nil)), Lint: env.CA.Lint,
		}
		if demo != nil {
			c.Demonstration = demo
		}
		for _, rule := range ca.Rulebook() {
			c.Rules = append(c.Rules, console.Rule(rule))
		}
		e.Pages, e.Console = c, c.Handler()
		mux.Handle(console.Root, e.Console)
	}
	e.Env = testenv.New(t, append(change, testenv.WithHandler(mount))...)
	e.Write(func(tx chancery.Tx) error { return tx.SetOperator(e.Account, true) })
	return e
}

// testLog shows what the console logs when a test fails.
type testLog struct{ t testing.TB }

// Write implements io.Writer.
func (l testLog) Write(line []byte) (int, error) {
	l.t.Logf("%s", line)
	return len(line), nil
}
