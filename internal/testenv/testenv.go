// Package testenv runs the whole service in one process for a test: database,
// embedded CA, gateway on loopback and background work, and around it what an
// applicant has: a DNS server, a web server, and a clock that the test moves.
//
//	env := testenv.New(t)
//	env.Grant(chancery.DefaultProduct, 1)
//	order := env.Apply("www.example.test")
//	env.Publish(order)
//	env.Clock.Advance(time.Second) // the first look is due
//	env.Await(order, chancery.Issued)
//
// At the end of every test all invariants of the data are checked.
package testenv

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/ca"
	"chancery/cas"
	"chancery/dcv"
	"chancery/internal/zone"
	"chancery/issuer"
	"chancery/keyring"
	"chancery/rpc"
	"chancery/store"
	"chancery/sts"
	"chancery/work"
)

// Env is a running service with its surroundings. Its methods may be called from
// any goroutine unless they say otherwise.
type Env struct {
	// Tenant is the first account: env.Apply and the like call with its key. It has
	// no plan until one is granted.
	*Tenant

	Clock     *Clock
	Store     *store.Store
	Zone      *zone.Server
	Web       *Web
	CA        *ca.Authority
	Catalogue chancery.Catalogue
	// Endpoint is the API's URL.
	Endpoint string

	t       testing.TB
	options options
	file    string // of the database
	looker  chancery.Looker
	issuers *issuer.Table
	db      *sql.DB // beside the store's own connections
	http    *http.Client
	log     *slog.Logger
	logged  *logged

	mu      sync.Mutex // guards workers
	workers []*work.Worker
}

type options struct {
	products     chancery.Catalogue
	issuer       func(local chancery.Issuer) chancery.Issuer
	looker       chancery.Looker
	repeatWindow time.Duration
	idle         bool
	apis         []chancery.API
	rates        rpc.Rates
	driver       string // of the database
	mount        func(*Env, *http.ServeMux, *rpc.Gateway)
}

// Option changes what New starts.
type Option func(*options)

// WithProducts replaces the catalogue. The default is Products.
func WithProducts(products ...chancery.Product) Option {
	return func(o *options) { o.products = products }
}

// WithoutWorker starts no background work, so that orders stay where they are.
// A test that wants some later runs NewWorker.
func WithoutWorker() Option { return func(o *options) { o.idle = true } }

// WithRepeatWindow sets how long the same application is answered with the first
// order; 0 turns that off. The default is that of the service.
func WithRepeatWindow(d time.Duration) Option { return func(o *options) { o.repeatWindow = d } }

// WithIssuer puts another issuer in the place of the embedded CA, which wrap is
// given to make use of.
func WithIssuer(wrap func(local chancery.Issuer) chancery.Issuer) Option {
	return func(o *options) { o.issuer = wrap }
}

// WithLooker has proofs looked at by looker in place of real DNS and HTTP.
func WithLooker(looker chancery.Looker) Option { return func(o *options) { o.looker = looker } }

// WithRates limits how often operations are called; without it nothing does. The
// clock stands still unless a test moves it, and no bucket fills meanwhile.
func WithRates(rates rpc.Rates) Option { return func(o *options) { o.rates = rates } }

// WithAPI mounts a further table of operations beside cas.
func WithAPI(api chancery.API) Option {
	return func(o *options) { o.apis = append(o.apis, api) }
}

// WithHandler mounts what else the API's address serves, such as the console.
func WithHandler(mount func(*Env, *http.ServeMux, *rpc.Gateway)) Option {
	return func(o *options) { o.mount = mount }
}

// Products is the default catalogue with keys that cost nothing to make.
func Products() chancery.Catalogue {
	products := chancery.DefaultCatalogue()
	for i := range products {
		products[i].KeyAlgorithm = chancery.ECC256
	}
	return products
}

// New starts the whole service. At the end of the test it stops everything, and
// the test fails unless store.Examine finds the data sound.
func New(t testing.TB, change ...Option) *Env {
	t.Helper()
	e := &Env{t: t, options: options{products: Products(), repeatWindow: cas.DefaultRepeatWindow, driver: "sqlite"}, Clock: newClock()}
	for _, option := range change {
		option(&e.options)
	}
	e.Catalogue = e.options.products
	e.log, e.logged = newLog(t)
	e.openStore()
	e.surround()
	e.openCA()
	e.work()
	e.serve()
	e.http = &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}
	t.Cleanup(e.http.CloseIdleConnections)
	e.Tenant = e.NewAccount()
	return e
}

// must ends the test for an error of the harness itself.
func (e *Env) must(err error) {
	if err != nil {
		e.t.Helper()
		e.t.Fatalf("testenv: %v", err)
	}
}

func (e *Env) openStore() {
	file := filepath.Join(e.t.TempDir(), "chancery.db")
	e.file = file
	opened, err := store.OpenThrough(context.Background(), e.options.driver, file)
	e.must(err)
	e.Store = opened
	kek := chancery.NewSecret([]byte("a key-encryption key of 32 bytes"))
	e.must(opened.Unlock(context.Background(), keyring.Key(kek, "the test")))
	e.db, err = sql.Open("sqlite", "file:"+(&url.URL{Path: file}).EscapedPath()+"?_pragma=busy_timeout(10000)")
	e.must(err)
	e.t.Cleanup(func() {
		e.examine()
		_ = e.db.Close()
		_ = e.Store.Close()
	})
}

// surround starts what applicants have, and what looks at it.
func (e *Env) surround() {
	var err error
	e.Zone, err = zone.Start("127.0.0.1:0")
	e.must(err)
	e.t.Cleanup(func() { _ = e.Zone.Close() })
	e.Web = newWeb()
	e.t.Cleanup(e.Web.close)
	if e.looker = e.options.looker; e.looker != nil {
		return
	}
	http, https := e.Web.ports()
	e.looker, err = dcv.New(dcv.Config{
		Resolvers: []string{e.Zone.Addr()}, Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		HTTPPort: http, HTTPSPort: https, Clock: e.Clock,
	})
	e.must(err)
}

func (e *Env) openCA() {
	var err error
	e.CA, err = ca.Open(context.Background(), ca.Config{Store: e.Store, Clock: e.Clock, Log: e.log})
	e.must(err)
	e.issuers = issuer.New(e.CA, &issuer.ACME{Store: e.Store, Clock: e.Clock, Log: e.log})
	if e.options.issuer != nil {
		e.issuers.Local = e.options.issuer(e.issuers.Local)
	}
}

// NewWorker makes a worker on the environment's data that is not running yet; its
// fields may be changed before it is.
func (e *Env) NewWorker() *work.Worker {
	return &work.Worker{
		Store: e.Store, Looker: e.looker, Issuers: e.issuers, Catalogue: e.Catalogue, Clock: e.Clock, Log: e.log,
	}
}

// Run runs a worker until stop is called or the test ends, and has clock and
// operations wake it; stop waits for what the worker has in hand.
func (e *Env) Run(worker *work.Worker) (stop func()) {
	e.mu.Lock()
	e.workers = append(e.workers, worker)
	e.mu.Unlock()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { worker.Run(ctx) })
	stop = func() {
		cancel()
		running.Wait()
	}
	e.t.Cleanup(stop)
	return stop
}

func (e *Env) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, worker := range e.workers {
		worker.Wake()
	}
}

// watch watches the newest worker; where none was started, nobody waits.
func (e *Env) watch(order chancery.OrderID) (ended <-chan struct{}, forget func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.workers) == 0 {
		return nil, func() {}
	}
	return e.workers[len(e.workers)-1].Watch(order)
}

// work begins background work.
func (e *Env) work() {
	e.Clock.moved = e.wake
	e.must(work.EnsureRounds(context.Background(), e.Store, e.Clock.Now()))
	if !e.options.idle {
		e.Run(e.NewWorker())
	}
}

// maxHeader is that of the real service: clients send PEM chains in the query.
const maxHeader = 256 << 10

func (e *Env) serve() {
	operations := &cas.Service{
		Store: rpc.WithTrails(e.Store), Catalogue: e.Catalogue, Clock: e.Clock,
		RepeatWindow: e.options.repeatWindow, ProofWindow: cas.DefaultProofWindow, RefundWindow: cas.DefaultRefundWindow, Wake: e.wake, Watch: e.watch,
	}
	tokens := &sts.Service{Store: rpc.WithTrails(e.Store), Clock: e.Clock}
	mux := http.NewServeMux()
	gateway := &rpc.Gateway{
		Store: e.Store, Clock: e.Clock, Log: e.log, Rates: e.options.rates,
		APIs: append(append(operations.APIs(), tokens.API()), e.options.apis...), Inside: []chancery.API{operations.Inside()},
	}
	mux.Handle("/", gateway)
	if e.options.mount != nil {
		e.options.mount(e, mux, gateway)
	}
	mux.Handle("GET /errors/{code}", rpc.HelpHandler())
	server := httptest.NewUnstartedServer(mux)
	server.Config.MaxHeaderBytes = maxHeader
	server.Start()
	e.t.Cleanup(server.Close)
	e.Endpoint = server.URL
}
