package issuer

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"chancery"
	"chancery/issuer/acme"
)

// Inspection is what a CA says of itself and of our account.
type Inspection struct {
	Name        string   `json:"name"`
	Directory   string   `json:"directory"`
	Terms       string   `json:"termsOfService,omitempty"`
	Website     string   `json:"website,omitempty"`
	CAA         []string `json:"caaIdentities,omitempty"`
	Profiles    []string `json:"profiles,omitempty"`
	NeedsEAB    bool     `json:"externalAccountRequired"`
	RenewalInfo bool     `json:"renewalInfo"`
	Account     string   `json:"account"`
	Status      string   `json:"accountStatus"`
	// Opened is how many orders were opened within the issuer's window, of Limit; both
	// 0 without a limit.
	Opened int64 `json:"ordersOpened"`
	Limit  int64 `json:"ordersLimit"`
	// Millis is how long the CA took for its directory.
	Millis int64 `json:"directoryMillis"`
}

// Inspect asks a CA for its directory and for our account, which it makes if there
// is none: so a good answer means that orders will be taken.
func (a *ACME) Inspect(ctx context.Context, name string) (Inspection, error) {
	ca, err := a.authority(ctx, name)
	if err != nil {
		return Inspection{}, err
	}
	began := time.Now() //nolint:forbidigo // it measures
	d, err := ca.client.Discover(ctx)
	if err != nil {
		return Inspection{}, fmt.Errorf("reading the directory %s: %w", ca.config.Directory, err)
	}
	seen := Inspection{
		Name: name, Directory: ca.config.Directory, Terms: acme.Printable(d.Meta.TermsOfService), Website: acme.Printable(d.Meta.Website),
		NeedsEAB: d.Meta.ExternalAccountRequired, RenewalInfo: d.RenewalInfo != "", Limit: ca.config.OrdersLimit,
		Millis: time.Since(began).Milliseconds(),
	}
	for _, text := range d.Meta.CAAIdentities {
		seen.CAA = append(seen.CAA, acme.Printable(text))
	}
	for _, text := range slices.Sorted(maps.Keys(d.Meta.Profiles)) {
		seen.Profiles = append(seen.Profiles, acme.Printable(text))
	}
	if p := ca.config.Profile; p != "" && !slices.Contains(seen.Profiles, p) {
		return seen, fmt.Errorf("the CA does not offer the profile %q, only %v", p, seen.Profiles)
	}
	if seen.NeedsEAB && ca.config.EABKeyID == "" {
		return seen, fmt.Errorf("the CA needs an external account: add the issuer with --eab-kid and --eab-hmac-file")
	}
	if err := a.register(ctx, ca); err != nil {
		return seen, fmt.Errorf("registering the account: %w", err)
	}
	account, err := ca.client.Existing(ctx)
	if err != nil {
		return seen, fmt.Errorf("reading the account: %w", err)
	}
	seen.Account, seen.Status = account.URL, account.Status
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		if seen.Limit > 0 {
			seen.Opened, _, err = tx.ACMEOpenings(name, a.Clock.Now().Add(-ca.config.OrdersWindow))
		}
		return err
	})
	return seen, err
}
