package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

// Where the secrets of ACME stand; they belong to the service, not to an account.
const (
	acmeIssuerTable  = "acme_issuers"
	acmeAccountTable = "acme_accounts"
)

func (t *tx) AddACMEIssuer(i chancery.ACMEIssuer) error {
	sealed, err := t.seal(i.EABKey, acmeIssuerTable, 0, i.Name)
	if err != nil {
		return err
	}
	contacts, err := jsonText(i.Contacts)
	if err != nil {
		return err
	}
	fallbacks, err := jsonText(i.Fallbacks)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddACMEIssuer(t.ctx, query.AddACMEIssuerParams{
		Name: i.Name, Directory: i.Directory, Contacts: contacts, EabKid: i.EABKeyID, EabKey: sealed,
		Profile: i.Profile, PreferredChain: i.PreferredChain, CaBundle: i.CABundle,
		OrdersLimit: i.OrdersLimit, OrdersWindow: i.OrdersWindow.Milliseconds(), Concurrency: i.Concurrency,
		Fallbacks: fallbacks, AllowHttp: toFlag(i.AllowHTTP), CreatedAt: toMillis(i.CreatedAt),
	})
	return changed("adding an issuer", rows, err, chancery.ErrConflict)
}

func (t *tx) ACMEIssuer(name string) (chancery.ACMEIssuer, error) {
	row, err := t.sql.ACMEIssuer(t.ctx, name)
	if err != nil {
		return chancery.ACMEIssuer{}, found("reading an issuer", err)
	}
	i := chancery.ACMEIssuer{
		Name: row.Name, Directory: row.Directory, EABKeyID: row.EabKid, Profile: row.Profile,
		PreferredChain: row.PreferredChain, CABundle: row.CaBundle, OrdersLimit: row.OrdersLimit,
		OrdersWindow: time.Duration(row.OrdersWindow) * time.Millisecond, Concurrency: row.Concurrency,
		AllowHTTP: row.AllowHttp != 0, CreatedAt: fromMillis(row.CreatedAt),
	}
	if err := errors.Join(fromJSON(row.Contacts, &i.Contacts), fromJSON(row.Fallbacks, &i.Fallbacks)); err != nil {
		return i, fmt.Errorf("reading issuer %s: %w", name, err)
	}
	i.EABKey, err = t.open(row.EabKey, acmeIssuerTable, 0, name)
	return i, err
}

func (t *tx) ACMEIssuers() ([]chancery.ACMEIssuer, error) {
	names, err := t.sql.ACMEIssuers(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("listing issuers: %w", err)
	}
	list := make([]chancery.ACMEIssuer, len(names))
	for i, name := range names {
		if list[i], err = t.ACMEIssuer(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *tx) DeleteACMEIssuer(name string) error {
	if err := t.sql.DeleteACMEAccount(t.ctx, name); err != nil {
		return fmt.Errorf("deleting an issuer's account: %w", err)
	}
	rows, err := t.sql.DeleteACMEIssuer(t.ctx, name)
	return changed("deleting an issuer", rows, err, chancery.ErrNotFound)
}

func (t *tx) OpenACMEOrders(issuer string) (int64, error) {
	count, err := t.sql.OpenACMEOrders(t.ctx, issuer)
	if err != nil {
		return 0, fmt.Errorf("counting an issuer's orders: %w", err)
	}
	return count, nil
}

func (t *tx) AddACMEAccount(a chancery.ACMEAccount) error {
	sealed, err := t.seal(a.Key, acmeAccountTable, 0, a.Issuer)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddACMEAccount(t.ctx, query.AddACMEAccountParams{Issuer: a.Issuer, Key: sealed, CreatedAt: toMillis(a.CreatedAt)})
	return changed("adding an issuer's account", rows, err, chancery.ErrConflict)
}

func (t *tx) ACMEAccount(issuer string) (chancery.ACMEAccount, error) {
	row, err := t.sql.ACMEAccount(t.ctx, issuer)
	if err != nil {
		return chancery.ACMEAccount{}, found("reading an issuer's account", err)
	}
	key, err := t.open(row.Key, acmeAccountTable, 0, issuer)
	return chancery.ACMEAccount{Issuer: row.Issuer, Key: key, URL: row.URL, CreatedAt: fromMillis(row.CreatedAt)}, err
}

func (t *tx) SetACMEAccountURL(issuer, url string) error {
	rows, err := t.sql.SetACMEAccountURL(t.ctx, query.SetACMEAccountURLParams{URL: url, Issuer: issuer})
	return changed("naming an issuer's account", rows, err, chancery.ErrNotFound)
}

func (t *tx) AddACMEOpening(issuer string, at time.Time) error {
	err := t.sql.AddACMEOpening(t.ctx, query.AddACMEOpeningParams{ID: chancery.NewID(), Issuer: issuer, At: toMillis(at)})
	if err != nil {
		return fmt.Errorf("noting an opened order: %w", err)
	}
	return nil
}

func (t *tx) ACMEOpenings(issuer string, since time.Time) (int64, time.Time, error) {
	count, err := t.sql.CountACMEOpenings(t.ctx, query.CountACMEOpeningsParams{Issuer: issuer, At: toMillis(since)})
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("counting opened orders: %w", err)
	}
	if count == 0 {
		return 0, time.Time{}, nil
	}
	oldest, err := t.sql.OldestACMEOpening(t.ctx, query.OldestACMEOpeningParams{Issuer: issuer, At: toMillis(since)})
	return count, fromMillis(oldest), found("dating opened orders", err)
}

func (t *tx) ForgetACMEOpenings(issuer string, until time.Time) error {
	if err := t.sql.ForgetACMEOpenings(t.ctx, query.ForgetACMEOpeningsParams{Issuer: issuer, At: toMillis(until)}); err != nil {
		return fmt.Errorf("forgetting opened orders: %w", err)
	}
	return nil
}

func jsonText[T any](list []T) (string, error) {
	if list == nil {
		list = []T{}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return "", fmt.Errorf("writing a list: %w", err)
	}
	return string(text), nil
}

// fromJSON reads an empty list as nil, as it was before it was written.
func fromJSON[T any](text string, into *[]T) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return err
	}
	if len(*into) == 0 {
		*into = nil
	}
	return nil
}
