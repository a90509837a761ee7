// Package admin holds what the operator does to an instance: accounts, access
// keys, plans, and the auditor. The command line reaches it directly when the
// service is stopped and through an owner-only Unix socket while it runs, since
// a second process never opens the database.
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/issuer"
	"chancery/store"
)

// Admin works on an open store.
type Admin struct {
	Store     *store.Store
	Catalogue chancery.Catalogue
	Clock     chancery.Clock
	// ACME asks CAs, for TestIssuer; nil makes one.
	ACME *issuer.ACME
	// RefundWindow is that of cas.Service; Wake too, and may be nil.
	RefundWindow time.Duration
	Wake         func()
}

// Account is an account as the command line shows it.
type Account struct {
	ID        chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
	CreatedAt time.Time          `json:"createdAt"`
}

// AccessKey is an access key as the command line shows it; Secret is there only
// in the answer that makes the key.
type AccessKey struct {
	ID        string             `json:"accessKeyId"`
	Secret    string             `json:"accessKeySecret,omitempty"`
	AccountID chancery.AccountID `json:"accountId"`
	Disabled  bool               `json:"disabled"`
	CreatedAt time.Time          `json:"createdAt"`
}

// Plan is a plan as the command line shows it.
type Plan struct {
	ID          int64              `json:"planId"`
	AccountID   chancery.AccountID `json:"accountId"`
	ProductCode string             `json:"product"`
	Total       int64              `json:"total"`
	Used        int64              `json:"used"`
	GrantedAt   time.Time          `json:"grantedAt"`
	ExpiresAt   *time.Time         `json:"expiresAt,omitempty"` // absent: never
}

// Nothing is the input or output of calls that need none.
type Nothing struct{}

// NewAccount asks for an account.
type NewAccount struct {
	Name string `json:"name"`
}

// NewAccessKey asks for an access key; ID and Secret take over an existing pair.
type NewAccessKey struct {
	AccountID chancery.AccountID `json:"accountId"`
	ID        string             `json:"accessKeyId,omitempty"`
	Secret    string             `json:"accessKeySecret,omitempty"`
}

// AccessKeyName names an access key of an account.
type AccessKeyName struct {
	AccountID chancery.AccountID `json:"accountId"`
	ID        string             `json:"accessKeyId"`
}

// AccountName names an account; 0 means the only one there is.
type AccountName struct {
	ID chancery.AccountID `json:"accountId"`
}

// Grant asks for a plan. Without ExpiresAt the product's term counts from now.
type Grant struct {
	AccountID   chancery.AccountID `json:"accountId"`
	ProductCode string             `json:"product"`
	Count       int64              `json:"count"`
	ExpiresAt   *time.Time         `json:"expiresAt,omitempty"`
}

// call is one row of the table of calls.
type call func(a *Admin, ctx context.Context, input json.RawMessage) (any, error)

// calls is the table, by the name that goes over the socket.
var calls = map[string]call{
	"account.create":     bind((*Admin).CreateAccount),
	"account.list":       bind((*Admin).ListAccounts),
	"accesskey.create":   bind((*Admin).CreateAccessKey),
	"accesskey.list":     bind((*Admin).ListAccessKeys),
	"accesskey.disable":  bind((*Admin).DisableAccessKey),
	"plan.grant":         bind((*Admin).GrantPlan),
	"plan.list":          bind((*Admin).ListPlans),
	"review.list":        bind((*Admin).ListReviews),
	"review.approve":     bind((*Admin).Approve),
	"review.reject":      bind((*Admin).Reject),
	"certificate.revoke": bind((*Admin).RevokeCertificates),
	"issuer.add":         bind((*Admin).AddIssuer),
	"issuer.list":        bind((*Admin).ListIssuers),
	"issuer.test":        bind((*Admin).TestIssuer),
	"issuer.remove":      bind((*Admin).RemoveIssuer),
	"doctor":             bind((*Admin).Doctor),
}

func bind[I, O any](do func(*Admin, context.Context, I) (O, error)) call {
	return func(a *Admin, ctx context.Context, input json.RawMessage) (any, error) {
		var in I
		if err := json.Unmarshal(input, &in); err != nil {
			return nil, fmt.Errorf("reading the input: %w", err)
		}
		return do(a, ctx, in)
	}
}

// CreateAccount makes an account without keys or plans.
func (a *Admin) CreateAccount(ctx context.Context, in NewAccount) (Account, error) {
	account := chancery.Account{ID: chancery.NewAccountID(), Name: in.Name, CreatedAt: a.Clock.Now()}
	err := a.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddAccount(account) })
	return Account(account), err
}

// ListAccounts lists all accounts, oldest first.
func (a *Admin) ListAccounts(ctx context.Context, _ Nothing) (list []Account, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		accounts, err := tx.Accounts()
		list = make([]Account, len(accounts))
		for i, account := range accounts {
			list[i] = Account(account)
		}
		return err
	})
	return list, err
}

// CreateAccessKey makes a key for an account, or takes over a pair that clients
// already have.
func (a *Admin) CreateAccessKey(ctx context.Context, in NewAccessKey) (AccessKey, error) {
	key := chancery.NewAccessKey(in.AccountID, a.Clock.Now())
	if in.ID != "" || in.Secret != "" {
		key.ID, key.Secret = in.ID, chancery.NewSecret([]byte(in.Secret))
		if err := chancery.CheckAccessKey(key.ID, key.Secret); err != nil {
			return AccessKey{}, err
		}
	}
	err := a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if key.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		return tx.AddAccessKey(key)
	})
	if errors.Is(err, chancery.ErrConflict) {
		return AccessKey{}, fmt.Errorf("the access key id %s is in use already", key.ID)
	}
	if err != nil {
		return AccessKey{}, err
	}
	return AccessKey{ID: key.ID, Secret: string(key.Secret.Reveal()), AccountID: key.AccountID, CreatedAt: key.CreatedAt}, nil
}

// theAccount finds the account that a command means.
func theAccount(tx chancery.Tx, id chancery.AccountID) (chancery.AccountID, error) {
	if id != 0 {
		_, err := tx.Account(id)
		if errors.Is(err, chancery.ErrNotFound) {
			return 0, fmt.Errorf("there is no account %d; `chancery account list` shows them", id)
		}
		return id, err
	}
	accounts, err := tx.Accounts()
	if err != nil {
		return 0, err
	}
	if len(accounts) != 1 {
		return 0, fmt.Errorf("there are %d accounts; name one with --account", len(accounts))
	}
	return accounts[0].ID, nil
}

// ListAccessKeys lists an account's keys without their secrets.
func (a *Admin) ListAccessKeys(ctx context.Context, in AccountName) (list []AccessKey, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		keys, err := tx.AccessKeys(account)
		list = make([]AccessKey, len(keys))
		for i, key := range keys {
			list[i] = AccessKey{ID: key.ID, AccountID: key.AccountID, Disabled: key.Disabled, CreatedAt: key.CreatedAt}
		}
		return err
	})
	return list, err
}

// DisableAccessKey ends the use of a key, from the next request on.
func (a *Admin) DisableAccessKey(ctx context.Context, in AccessKeyName) (Nothing, error) {
	err := a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		return tx.DisableAccessKey(account, in.ID)
	})
	if errors.Is(err, chancery.ErrNotFound) {
		err = fmt.Errorf("the account has no access key %s", in.ID)
	}
	return Nothing{}, err
}

// GrantPlan gives an account applications of a product.
func (a *Admin) GrantPlan(ctx context.Context, in Grant) (Plan, error) {
	product, err := a.Catalogue.Find(in.ProductCode)
	if err != nil {
		return Plan{}, err
	}
	now := a.Clock.Now()
	plan := chancery.Plan{ProductCode: product.Code, Total: in.Count, GrantedAt: now}
	switch {
	case in.Count < 1 || in.Count > chancery.MaxGrant:
		return Plan{}, fmt.Errorf("a plan has 1 to %d units, not %d", chancery.MaxGrant, in.Count)
	case in.ExpiresAt != nil && !in.ExpiresAt.After(now):
		return Plan{}, fmt.Errorf("the plan would have ended on %s already", in.ExpiresAt.Format(time.RFC3339))
	case in.ExpiresAt != nil:
		plan.ExpiresAt = in.ExpiresAt.UTC()
	case product.TermDays > 0:
		plan.ExpiresAt = now.AddDate(0, 0, product.TermDays)
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if plan.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		plan, err = tx.AddPlan(plan)
		return err
	})
	return planOf(plan), err
}

func planOf(p chancery.Plan) Plan {
	plan := Plan{ID: p.ID, AccountID: p.AccountID, ProductCode: p.ProductCode, Total: p.Total, Used: p.Used, GrantedAt: p.GrantedAt}
	if !p.ExpiresAt.IsZero() {
		plan.ExpiresAt = &p.ExpiresAt
	}
	return plan
}

// ListPlans lists an account's plans, oldest first.
func (a *Admin) ListPlans(ctx context.Context, in AccountName) (list []Plan, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		plans, err := tx.Plans(account)
		list = make([]Plan, len(plans))
		for i, plan := range plans {
			list[i] = planOf(plan)
		}
		return err
	})
	return list, err
}

// Doctor checks every invariant of the data.
func (a *Admin) Doctor(ctx context.Context, _ Nothing) (store.Report, error) {
	return a.Store.Examine(ctx)
}
