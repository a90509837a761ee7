package admin

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"chancery"
	"chancery/issuer"
)

// Issuer is an ACME CA as the command line gives and shows it. EABKey is there only
// in the input of issuer.add.
type Issuer struct {
	Name           string   `json:"name"`
	Directory      string   `json:"directory"`
	Contacts       []string `json:"contacts,omitempty"`
	EABKeyID       string   `json:"eabKid,omitempty"`
	EABKey         string   `json:"eabHmac,omitempty"` // base64url
	Profile        string   `json:"profile,omitempty"`
	PreferredChain string   `json:"preferredChain,omitempty"`
	CABundle       string   `json:"caBundle,omitempty"` // PEM
	OrdersLimit    int64    `json:"ordersLimit,omitempty"`
	OrdersWindow   string   `json:"ordersWindow,omitempty"`
	Concurrency    int64    `json:"concurrency,omitempty"`
	Fallbacks      []string `json:"fallbacks,omitempty"`
	AllowHTTP      bool     `json:"allowHttp,omitempty"`

	CreatedAt  time.Time `json:"createdAt"`
	Account    string    `json:"account,omitempty"` // its URL at the CA
	OpenOrders int64     `json:"openOrders"`
	Products   []string  `json:"products,omitempty"` // whose certificates it issues
	// Delayed counts orders in hand that wait for it after something failed, Trouble is
	// why one of them does.
	Delayed int    `json:"delayed,omitempty"`
	Trouble string `json:"trouble,omitempty"`
}

// IssuerName names an issuer.
type IssuerName struct {
	Name string `json:"name"`
}

// AddIssuer configures an ACME CA. Nothing is asked of it yet.
func (a *Admin) AddIssuer(ctx context.Context, in Issuer) (Issuer, error) {
	config, err := configOf(in, a.Clock.Now())
	if err != nil {
		return Issuer{}, err
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		for _, name := range config.Fallbacks {
			if _, err := tx.ACMEIssuer(name); err != nil {
				return fmt.Errorf("--fallback: there is no issuer %s; add it first", name)
			}
		}
		return tx.AddACMEIssuer(config)
	})
	if errors.Is(err, chancery.ErrConflict) {
		return Issuer{}, fmt.Errorf("there is an issuer %s already; `chancery issuer remove %s` first", config.Name, config.Name)
	}
	if err != nil {
		return Issuer{}, err
	}
	return a.issuer(ctx, config.Name)
}

func configOf(in Issuer, now time.Time) (config chancery.ACMEIssuer, err error) {
	config = chancery.ACMEIssuer{
		Name: in.Name, Directory: in.Directory, Contacts: in.Contacts, EABKeyID: in.EABKeyID, Profile: in.Profile,
		PreferredChain: in.PreferredChain, CABundle: in.CABundle, OrdersLimit: in.OrdersLimit, Concurrency: in.Concurrency,
		Fallbacks: in.Fallbacks, AllowHTTP: in.AllowHTTP, CreatedAt: now,
	}
	if err := chancery.CheckIssuerName(in.Name); err != nil {
		return config, err
	}
	if err := checkDirectory(in); err != nil {
		return config, err
	}
	if err := checkDetails(in); err != nil {
		return config, err
	}
	if in.OrdersLimit > 0 {
		config.OrdersWindow, err = time.ParseDuration(in.OrdersWindow)
	}
	if err != nil || in.OrdersLimit < 0 || in.OrdersLimit > 0 && config.OrdersWindow < time.Second {
		return config, errors.New("--orders-per: write a number and a time, as 300/3h")
	}
	config.EABKey, err = parseEAB(in)
	return config, err
}

// checkDetails refuses what can be seen to be wrong without asking the CA.
func checkDetails(in Issuer) error {
	for _, contact := range in.Contacts {
		if u, err := url.Parse(contact); err != nil || u.Scheme == "" {
			return fmt.Errorf("--contact: %q is not a URL such as mailto:ops@example.com", contact)
		}
	}
	if in.CABundle != "" && !x509.NewCertPool().AppendCertsFromPEM([]byte(in.CABundle)) {
		return errors.New("--ca-bundle: the file holds no PEM certificate")
	}
	if in.Concurrency < 0 || in.Concurrency > 1000 {
		return errors.New("--concurrency: give 1 to 1000")
	}
	if slices.Contains(in.Fallbacks, in.Name) {
		return fmt.Errorf("--fallback: %s cannot stand in for itself", in.Name)
	}
	return nil
}

func checkDirectory(in Issuer) error {
	u, err := url.Parse(in.Directory)
	switch {
	case err != nil, u.Host == "", u.User != nil, u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("--directory: %q is not a URL such as https://acme.example.com/directory", in.Directory)
	case u.Scheme == "http" && !in.AllowHTTP:
		return errors.New("--directory: without https anybody on the way could be the CA; --allow-http takes it all the same, for a test directory")
	}
	return nil
}

// parseEAB reads the MAC key as CAs hand it out: base64url, with or without padding,
// or plain base64.
func parseEAB(in Issuer) (none chancery.Secret, err error) {
	if (in.EABKeyID == "") != (in.EABKey == "") {
		return none, errors.New("--eab-kid and --eab-hmac-file go together")
	}
	if in.EABKey == "" {
		return none, nil
	}
	text := strings.NewReplacer("+", "-", "/", "_", "=", "").Replace(strings.TrimSpace(in.EABKey))
	key, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(key) < 16 {
		return none, errors.New("--eab-hmac-file: the file does not hold a MAC key of 128 bits or more in base64url")
	}
	return chancery.NewSecret(key), nil
}

// ListIssuers lists the ACME CAs by name, without secrets.
func (a *Admin) ListIssuers(ctx context.Context, _ Nothing) ([]Issuer, error) {
	list := []Issuer{}
	err := a.Store.Read(ctx, func(tx chancery.Tx) error {
		configs, err := tx.ACMEIssuers()
		if err != nil {
			return err
		}
		list = list[:0]
		for _, config := range configs {
			shown, err := a.show(tx, config)
			if err != nil {
				return err
			}
			list = append(list, shown)
		}
		return troubles(tx, list)
	})
	return list, err
}

// troubles tells of each CA what the next steps of its orders last failed for.
func troubles(tx chancery.Tx, list []Issuer) error {
	const most = 200 // steps that are looked at
	if len(list) == 0 {
		return nil
	}
	steps, err := tx.Steps(chancery.StepFilter{}, most)
	if err != nil {
		return err
	}
	for _, step := range stepsOf(steps) {
		if step.LastError == "" || step.OrderID == 0 || step.Kind == chancery.PrepareKey {
			continue
		}
		o, err := tx.Order(step.AccountID, step.OrderID)
		if errors.Is(err, chancery.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if step.Kind == chancery.AdvanceOrder && o.State != chancery.Process {
			continue // it waits for the applicant
		}
		for i := range list {
			if slices.Contains(list[i].Products, o.ProductCode) {
				list[i].Delayed++
				list[i].Trouble = step.LastError
			}
		}
	}
	return nil
}

func (a *Admin) issuer(ctx context.Context, name string) (shown Issuer, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		config, err := tx.ACMEIssuer(name)
		if errors.Is(err, chancery.ErrNotFound) {
			return noIssuer(name)
		}
		if err != nil {
			return err
		}
		shown, err = a.show(tx, config)
		return err
	})
	return shown, err
}

func noIssuer(name string) error {
	return fmt.Errorf("there is no issuer %s; `chancery issuer list` shows those there are", name)
}

func (a *Admin) show(tx chancery.Tx, c chancery.ACMEIssuer) (Issuer, error) {
	shown := Issuer{
		Name: c.Name, Directory: c.Directory, Contacts: c.Contacts, EABKeyID: c.EABKeyID, Profile: c.Profile,
		PreferredChain: c.PreferredChain, OrdersLimit: c.OrdersLimit, Concurrency: c.Concurrency,
		Fallbacks: c.Fallbacks, AllowHTTP: c.AllowHTTP, CreatedAt: c.CreatedAt,
	}
	if c.OrdersLimit > 0 {
		shown.OrdersWindow = window(c.OrdersWindow)
	}
	for _, product := range a.Catalogue {
		if product.Issuer == c.Name {
			shown.Products = append(shown.Products, product.Code)
		}
	}
	account, err := tx.ACMEAccount(c.Name)
	if err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return shown, err
	}
	shown.Account = account.URL
	shown.OpenOrders, err = tx.OpenACMEOrders(c.Name)
	return shown, err
}

// window writes a time as people do: 3h, not 3h0m0s.
func window(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// TestIssuer asks a CA for what it offers, and makes the account if there is none.
func (a *Admin) TestIssuer(ctx context.Context, in IssuerName) (issuer.Inspection, error) {
	if _, err := a.issuer(ctx, in.Name); err != nil {
		return issuer.Inspection{}, err
	}
	return a.acme().Inspect(ctx, in.Name)
}

func (a *Admin) acme() *issuer.ACME {
	if a.ACME != nil {
		return a.ACME
	}
	return &issuer.ACME{Store: a.Store, Clock: a.Clock}
}

// RemoveIssuer forgets a CA with its account key. Its certificates can then be
// revoked at the CA no more, so one that has open orders stays.
func (a *Admin) RemoveIssuer(ctx context.Context, in IssuerName) (Nothing, error) {
	err := a.Store.Write(ctx, func(tx chancery.Tx) error {
		open, err := tx.OpenACMEOrders(in.Name)
		if err != nil {
			return err
		}
		if open > 0 {
			return fmt.Errorf("%d open orders are with issuer %s; let them end, or withdraw them, first", open, in.Name)
		}
		configs, err := tx.ACMEIssuers()
		if err != nil {
			return err
		}
		for _, config := range configs {
			if slices.Contains(config.Fallbacks, in.Name) {
				return fmt.Errorf("issuer %s has %s as a fallback; remove that first", config.Name, in.Name)
			}
		}
		return tx.DeleteACMEIssuer(in.Name)
	})
	if errors.Is(err, chancery.ErrNotFound) {
		err = noIssuer(in.Name)
	}
	return Nothing{}, err
}
