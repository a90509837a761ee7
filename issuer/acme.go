package issuer

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"chancery"
	"chancery/issuer/acme"
)

// ACME is all ACME CAs that the operator configured. They are read from the store
// whenever one is asked, so that one can be added while the service runs. It is
// safe for concurrent use.
type ACME struct {
	Store chancery.Store
	Clock chancery.Clock
	Log   *slog.Logger

	mu      sync.Mutex // guards clients
	clients map[string]*authority
}

// Named is the ACME CA of a name, as a product names it. An order stays with the
// CA that its record names, whichever Named it is given to.
func (a *ACME) Named(name string) chancery.Issuer { return acmeIssuer{a, name} }

type acmeIssuer struct {
	*ACME

	name string
}

var (
	_ chancery.Issuer         = acmeIssuer{}
	_ chancery.Prover         = acmeIssuer{}
	_ chancery.Revoker        = acmeIssuer{}
	_ chancery.RenewalAdviser = acmeIssuer{}
	_ chancery.Reclaimer      = acmeIssuer{}
)

// authority is one CA as this process calls it: what every order has in common.
type authority struct {
	config chancery.ACMEIssuer
	client *acme.Client
	calls  chan struct{} // holds one for every order that is calling

	mu     sync.Mutex // guards closed
	closed time.Time  // until then the CA wants no call at all
}

// defaultConcurrency is modest: a CA that is not ours is not for us to load.
const defaultConcurrency = 8

// authority gives the CA of a name with its account's key. Whoever configures an
// issuer anew gets a new one.
func (a *ACME) authority(ctx context.Context, name string) (*authority, error) {
	config, account, err := a.configured(ctx, name)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	known := a.clients[name]
	if known == nil || !known.config.CreatedAt.Equal(config.CreatedAt) || known.config.Directory != config.Directory {
		if known, err = newAuthority(config, account, a.Clock); err != nil {
			return nil, err
		}
		if a.clients == nil {
			a.clients = map[string]*authority{}
		}
		a.clients[name] = known
	}
	known.client.SetAccount(account.URL)
	return known, nil
}

// configured reads an issuer and its account, whose key is made when it is first
// needed. Of two nodes that make one at once, the first to store it wins, and both
// go on with that.
func (a *ACME) configured(ctx context.Context, name string) (config chancery.ACMEIssuer, account chancery.ACMEAccount, err error) {
	read := func(tx chancery.Tx) (err error) {
		if config, err = tx.ACMEIssuer(name); err != nil {
			return err
		}
		account, err = tx.ACMEAccount(name)
		return err
	}
	err = a.Store.Read(ctx, read)
	if errors.Is(err, chancery.ErrNotFound) && config.Name == "" {
		return config, account, chancery.Errorf(chancery.ServiceUnavailable, "the issuer %s is not configured; the operator has to add it", name)
	}
	if !errors.Is(err, chancery.ErrNotFound) {
		return config, account, err
	}
	key, err := acme.NewKey()
	if err != nil {
		return config, account, err
	}
	account = chancery.ACMEAccount{Issuer: name, Key: chancery.NewSecret(key), CreatedAt: a.Clock.Now()}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddACMEAccount(account) })
	if err != nil && !errors.Is(err, chancery.ErrConflict) {
		return config, account, fmt.Errorf("storing the account key of issuer %s: %w", name, err)
	}
	return config, account, a.Store.Read(ctx, read)
}

func newAuthority(config chancery.ACMEIssuer, account chancery.ACMEAccount, clock chancery.Clock) (*authority, error) {
	key, err := acme.ParseKey(account.Key.Reveal())
	if err != nil {
		return nil, err
	}
	var roots *x509.CertPool
	if config.CABundle != "" {
		roots = x509.NewCertPool()
		if !roots.AppendCertsFromPEM([]byte(config.CABundle)) {
			return nil, fmt.Errorf("the CA bundle of issuer %s holds no certificate", config.Name)
		}
	}
	concurrency := config.Concurrency
	if concurrency == 0 {
		concurrency = defaultConcurrency
	}
	return &authority{
		config: config, calls: make(chan struct{}, concurrency),
		client: &acme.Client{Directory: config.Directory, Key: key, HTTP: acme.NewHTTP(roots), AllowHTTP: config.AllowHTTP, Now: clock.Now},
	}, nil
}

// enter waits until one more order may call the CA.
func (c *authority) enter(ctx context.Context, clock chancery.Clock) (leave func(), err error) {
	const most = 5 * time.Second
	c.mu.Lock()
	closed := c.closed
	c.mu.Unlock()
	if pending(clock.Now(), closed) {
		return nil, &chancery.WaitError{Until: closed, Reason: fmt.Sprintf("the CA asks to be left alone until %s", closed.Format(time.RFC3339))}
	}
	timer := time.NewTimer(most)
	defer timer.Stop()
	select {
	case c.calls <- struct{}{}:
		return func() { <-c.calls }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-timer.C:
		return nil, &chancery.WaitError{Until: clock.Now().Add(time.Second), Reason: "as many orders as the operator allows are with the CA; this one is next"}
	}
}

// leaveAlone keeps every order from calling the CA until then.
func (c *authority) leaveAlone(until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until.After(c.closed) {
		c.closed = until
	}
}

// register makes the account known to the CA, unless it is.
func (a *ACME) register(ctx context.Context, c *authority) error {
	var account chancery.ACMEAccount
	err := a.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		account, err = tx.ACMEAccount(c.config.Name)
		return err
	})
	if err != nil || account.URL != "" {
		return err
	}
	made, err := c.client.Register(ctx, c.config.Contacts, c.config.EABKeyID, c.config.EABKey.Reveal())
	if err != nil {
		return err
	}
	if made.Status != acme.Valid {
		return errAccount
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error { return tx.SetACMEAccountURL(c.config.Name, made.URL) })
	if err != nil {
		return fmt.Errorf("storing the account of issuer %s: %w", c.config.Name, err)
	}
	c.client.SetAccount(made.URL)
	return nil
}

// errAccount is an account that the CA has closed.
var errAccount = errors.New("the CA has closed the service's account")
