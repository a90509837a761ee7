// Package service puts the parts together: the one place where concrete packages
// meet. `chancery serve` and `chancery quickstart` start it, and so do tests that
// want the whole service in one process.
package service

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"chancery"
	"chancery/admin"
	"chancery/ca"
	"chancery/cas"
	"chancery/console"
	"chancery/dcv"
	"chancery/internal/apidoc"
	"chancery/issuer"
	"chancery/rpc"
	"chancery/store"
	"chancery/sts"
	"chancery/work"
)

// Service is a running instance. Stop ends it.
type Service struct {
	// First is the access key that the first start made; nil on any later start.
	First *admin.AccessKey
	// Endpoint is the API's URL, with the port that was really taken.
	Endpoint string
	// Console is the URL of the web console, empty when it is off.
	Console string
	// Metrics is the URL of the metrics listener, empty when it is off.
	Metrics string
	// Admin does the operator's calls in this process.
	Admin *admin.Admin
	// Authority is the embedded CA.
	Authority *ca.Authority

	log   *slog.Logger
	store *store.Store
	// unlockDir gives the lock on the data directory back.
	unlockDir func()
	servers   []*http.Server
	failed    chan error // a listener that ended by itself
	// ready is closed when nothing of the first start is left to do; listeners take
	// connections before that, and answer them after it.
	ready     chan struct{}
	readyOnce sync.Once
	// turning is closed when no more requests should be sent here.
	turning chan struct{}
	// endWork ends background work; workers waits for it.
	endWork context.CancelFunc
	workers sync.WaitGroup
}

// configError names the flag at fault.
func configError(flag, format string, args ...any) error {
	return fmt.Errorf("--%s: %w", flag, fmt.Errorf(format, args...))
}

// NewLogger makes the log that the configuration asks for.
func (c *Config) NewLogger(to io.Writer) (*slog.Logger, error) {
	level, err := c.logLevel()
	if err != nil {
		return nil, err
	}
	options := &slog.HandlerOptions{Level: level}
	switch c.LogFormat {
	case "text":
		return slog.New(slog.NewTextHandler(to, options)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(to, options)), nil
	}
	return nil, configError("log-format", "%q is not text or json", c.LogFormat)
}

// Catalogue reads the products that the configuration names.
func (c *Config) Catalogue() (chancery.Catalogue, error) {
	catalogue := chancery.DefaultCatalogue()
	if c.Products != "" {
		text, err := os.ReadFile(c.Products)
		if err != nil {
			return nil, configError("products", "%v", err)
		}
		if catalogue, err = chancery.ParseCatalogue(text); err != nil {
			return nil, configError("products", "%s: %v", c.Products, err)
		}
	}
	catalogue, err := catalogue.Assign(c.Issuers)
	if err != nil {
		return nil, configError("issuer", "%v", err)
	}
	return catalogue, nil
}

// Start opens the data directory, makes what a first start needs, listens and
// begins background work. ctx bounds the start, not the service.
func Start(ctx context.Context, c Config, clock chancery.Clock, log *slog.Logger) (*Service, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	catalogue, err := c.Catalogue()
	if err != nil {
		return nil, err
	}
	looker, err := c.looker(clock)
	if err != nil {
		return nil, err
	}
	courier, err := c.courier(clock)
	if err != nil {
		return nil, err
	}
	s := &Service{log: log, failed: make(chan error, 8), ready: make(chan struct{}), turning: make(chan struct{})}
	if s.unlockDir, err = lockDir(c); err != nil {
		return nil, err
	}
	if s.store, err = OpenStore(ctx, c); err != nil {
		s.unlockDir()
		return nil, err
	}
	if err := s.start(ctx, c, clock, catalogue, looker, courier); err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (c *Config) looker(clock chancery.Clock) (*dcv.Looker, error) {
	ranges, err := allowed("dcv-allow", c.AllowCIDRs)
	if err != nil {
		return nil, err
	}
	looker, err := dcv.New(dcv.Config{Resolvers: c.Resolvers, Allow: ranges, HTTPPort: c.HTTPPort, HTTPSPort: c.HTTPSPort, DNSPort: c.DNSPort, Clock: clock})
	if err != nil {
		return nil, configError("dcv-resolver", "%v", err)
	}
	return looker, nil
}

func (s *Service) start(ctx context.Context, c Config, clock chancery.Clock, catalogue chancery.Catalogue, looker *dcv.Looker, courier chancery.Courier) (err error) {
	s.Admin = &admin.Admin{Store: s.store, Catalogue: catalogue, Clock: clock, Courier: courier, Settings: c.Settings}
	s.Authority, err = ca.Open(ctx, ca.Config{Store: s.store, Clock: clock, KeyType: chancery.KeyAlgorithm(c.CAKey), BaseURL: c.PKIURL})
	if err != nil {
		return err
	}
	s.Admin.ACME = &issuer.ACME{Store: s.store, Clock: clock, Log: s.log}
	issuers := issuer.New(s.Authority, s.Admin.ACME)
	if err := s.checkIssuers(ctx, catalogue, issuers); err != nil {
		return err
	}
	registry := s.newRegistry(clock)
	worker := s.work(ctx, &work.Worker{
		Store: s.store, Looker: looker, Issuers: issuers, Catalogue: catalogue, Clock: clock, Log: s.log,
		AuditKeep: c.AuditKeep, ReadyKeys: c.ReadyKeys, Courier: courier, Metrics: work.NewMetrics(registry),
	}, registry)
	s.Admin.RefundWindow, s.Admin.Wake = c.RefundWindow, worker.Wake
	operations := &cas.Service{
		Store: rpc.WithTrails(s.store), Catalogue: catalogue, Clock: clock,
		RepeatWindow: c.RepeatWindow, ProofWindow: c.ProofWindow, RefundWindow: c.RefundWindow, Wake: worker.Wake, Watch: worker.Watch, Preflighter: looker,
	}
	tokens := &sts.Service{Store: rpc.WithTrails(s.store), Clock: clock}
	apis := append(operations.APIs(), tokens.API())
	rates, err := c.rates(apis)
	if err != nil {
		return err
	}
	restored, err := s.store.RestoredAt(ctx)
	if err != nil {
		return err
	}
	gateway := &rpc.Gateway{
		NotBefore: restored, Store: s.store, Clock: clock, Log: s.log, APIs: apis,
		ClockSkew: c.ClockSkew, Rates: rates, Metrics: rpc.NewMetrics(registry), Inside: []chancery.API{operations.Inside()},
	}
	if err := work.EnsureRounds(ctx, s.store, clock.Now()); err != nil {
		return err
	}
	var pages http.Handler
	if c.Console == "on" {
		pages = s.console(gateway, catalogue, clock, c.Demonstration)
	}
	if err := s.listen(ctx, c, gateway, pages, registry); err != nil {
		return err
	}
	// Of several services that start on an empty database, one makes what it needs.
	if err := s.store.Alone(ctx, func() error { return s.firstStart(ctx, c) }); err != nil {
		return err
	}
	s.readyOnce.Do(func() { close(s.ready) })
	s.log.Info("listening", "endpoint", s.Endpoint, "metrics", s.Metrics, "data_dir", c.DataDir)
	return nil
}

func (s *Service) newRegistry(clock chancery.Clock) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		&estate{store: s.store, clock: clock, log: s.log})
	return registry
}

// work begins background work; Stop ends it.
func (s *Service) work(ctx context.Context, worker *work.Worker, registry *prometheus.Registry) *work.Worker {
	ctx, s.endWork = context.WithCancel(context.WithoutCancel(ctx))
	work.WatchBacklog(registry, s.store, worker.Clock)
	work.WatchReadyKeys(registry, s.store, worker.Catalogue)
	s.workers.Go(func() { worker.Run(ctx) })
	s.workers.Go(func() { s.Authority.Publish(ctx) })
	s.workers.Go(func() { s.followKeyring(ctx) })
	return worker
}

// followKeyring learns of rotations on other nodes, also when nothing asks for a key.
func (s *Service) followKeyring(ctx context.Context) {
	const pause = 30 * time.Second
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if err := s.store.LearnKeyring(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("the keyring was changed by another node and cannot be read; this node goes on with the keys it has", "error", err)
		}
	}
}

func (s *Service) listen(ctx context.Context, c Config, gateway, pages http.Handler, registry *prometheus.Registry) error {
	secure, err := s.tlsConfig(ctx, c)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /errors/{code}", rpc.HelpHandler())
	mux.Handle("GET /openapi.json", apidoc.Handler())
	if pages == nil {
		mux.Handle("/", gateway)
	} else {
		mux.Handle("/", toConsole(gateway))
		mux.Handle(console.Root, pages)
	}
	proxies, err := allowed("trusted-proxy", c.TrustedProxies)
	if err != nil {
		return err
	}
	pki := s.Authority.Handler()
	if s.Endpoint, err = s.serve(ctx, "listen", c.Listen, behindProxies(proxies, beside(pki, mux)), secure); err != nil {
		return err
	}
	if pages != nil {
		s.Console = cmp.Or(strings.TrimRight(c.ConsoleURL, "/"), s.Endpoint) + console.Root
		s.Admin.ConsoleURL = s.Console
	}
	if c.PKIListen != "" {
		if _, err := s.serve(ctx, "pki-listen", c.PKIListen, pki, nil); err != nil {
			return err
		}
	}
	if c.MetricsListen != "off" {
		if s.Metrics, err = s.serve(ctx, "metrics-listen", c.MetricsListen, s.health(registry), nil); err != nil {
			return err
		}
	}
	socket, err := admin.Listen(ctx, c.DataDir)
	if err != nil {
		return err
	}
	s.serveOn(socket, s.Admin)
	return nil
}

// beside sends /ca/ to the CA and all else to rest. It is no ServeMux, which
// would redirect OCSP requests that have slashes in their Base64.
func beside(pki, rest http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/ca/") {
			pki.ServeHTTP(w, r)
			return
		}
		rest.ServeHTTP(w, r)
	})
}

// serve listens on address and gives the URL of the port that was really taken.
func (s *Service) serve(ctx context.Context, flag, address string, handler http.Handler, secure *tls.Config) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", configError(flag, "%v", err)
	}
	url := "http://" + dialable(listener.Addr())
	if secure != nil {
		url = "https://" + dialable(listener.Addr())
		listener = tls.NewListener(listener, secure)
	}
	s.serveOn(listener, handler)
	return url, nil
}

// dialable is where this machine finds a listener: one that takes connections to every
// address shows an address that nobody can be sent to.
func dialable(listening net.Addr) string {
	at, err := netip.ParseAddrPort(listening.String())
	if err != nil || !at.Addr().IsUnspecified() {
		return listening.String()
	}
	return fmt.Sprintf("localhost:%d", at.Port())
}

// maxHeader leaves room for request lines of 128 KB: clients send PEM chains in
// the query string.
const maxHeader = 256 << 10

func (s *Service) serveOn(listener net.Listener, handler http.Handler) {
	server := &http.Server{
		Handler: handler, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second,
		WriteTimeout: 60 * time.Second, IdleTimeout: 120 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.servers = append(s.servers, server)
	s.workers.Go(func() {
		<-s.ready
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serving %s: %w", listener.Addr(), err)
		}
	})
}

// Wait returns when ctx ends, or with the error of a listener that failed.
func (s *Service) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.failed:
		return err
	}
}

// TurnAway has /readyz say no, and goes on serving for so long, so that a load
// balancer learns of it before connections are refused. It is called at most once.
func (s *Service) TurnAway(ctx context.Context, delay time.Duration) {
	close(s.turning)
	select {
	case <-time.After(delay):
	case <-ctx.Done():
	}
}

// Stop takes no further requests, finishes those and the steps in hand, and
// closes the store. ctx bounds how long requests may take.
func (s *Service) Stop(ctx context.Context) error {
	var errs []error
	for _, server := range s.servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, fmt.Errorf("closing a listener: %w", err), server.Close())
		}
	}
	s.readyOnce.Do(func() { close(s.ready) }) // a start that failed: whoever waits finds its server closed
	if s.endWork != nil {
		s.endWork()
	}
	s.workers.Wait()
	err := errors.Join(append(errs, s.store.Close())...)
	s.unlockDir()
	return err
}

// OpenStore opens the database that the configuration names and unlocks its secrets.
// It is store.ErrInUse while another process has that of a data directory.
func OpenStore(ctx context.Context, c Config) (*store.Store, error) {
	opened, err := openLocked(ctx, c)
	if err != nil {
		return nil, err
	}
	if err := unlock(ctx, c, opened); err != nil {
		return nil, errors.Join(err, opened.Close())
	}
	return opened, nil
}

// Migrate brings the database's schema up to date and closes it.
func Migrate(ctx context.Context, c Config) error {
	opened, err := openLocked(ctx, c)
	if err != nil {
		return err
	}
	return opened.Close()
}

// openLocked opens the database; its secrets are still sealed.
func openLocked(ctx context.Context, c Config) (*store.Store, error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, configError("data-dir", "%v", err)
	}
	if c.Database != "" {
		opened, err := store.OpenPostgres(ctx, c.Database)
		if err != nil {
			return nil, configError("database", "%w", err)
		}
		return opened, nil
	}
	opened, err := store.Open(ctx, filepath.Join(c.DataDir, databaseName))
	if err != nil {
		return nil, fmt.Errorf("opening the database in %s: %w", c.DataDir, err)
	}
	return opened, nil
}

// lockDir keeps a second service out of a data directory whose database is elsewhere.
func lockDir(c Config) (release func(), err error) {
	if c.Database == "" {
		return func() {}, nil
	}
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return nil, configError("data-dir", "%v", err)
	}
	release, err = store.Lock(filepath.Join(c.DataDir, "service.lock"))
	if err != nil {
		return nil, configError("data-dir", "%s: %w", c.DataDir, err)
	}
	return release, nil
}
