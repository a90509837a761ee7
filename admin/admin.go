// Package admin holds what the operator does to an instance: accounts and their
// plans, who may do what in them, reviews, and the auditor. The command line reaches it directly when the
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
	// Courier sends tests of notices; nil where no service runs.
	Courier chancery.Courier
	// ACME asks CAs, for TestIssuer; nil makes one.
	ACME *issuer.ACME
	// RefundWindow is that of cas.Service; Wake too, and may be nil.
	RefundWindow time.Duration
	Wake         func()
	// ConsoleURL is where the console is, for links to it; empty where it is not known.
	ConsoleURL string
	// Settings are those of the running service, for ListSettings.
	Settings []Setting

	actor *Actor // nil: the operator on the socket
}

// Account is an account as the command line shows it.
type Account struct {
	ID        chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
	CreatedAt time.Time          `json:"createdAt"`
	Operator  bool               `json:"operator,omitempty"`
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
	Name     string `json:"name"`
	Operator bool   `json:"operator,omitempty"` // see SetOperator
}

// Named names something of an account: a user, group, policy or role by its name.
type Named struct {
	AccountID chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
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

// calls is the table, by the name that goes over the socket. It is a function since some
// of the calls look into it.
func calls() map[string]call { //nolint:funlen // a table
	return map[string]call{
		"account.create":       bind((*Admin).CreateAccount),
		"account.list":         bind((*Admin).ListAccounts),
		"account.operator":     bind((*Admin).SetOperator),
		"accesskey.create":     bind((*Admin).CreateAccessKey),
		"accesskey.list":       bind((*Admin).ListAccessKeys),
		"accesskey.disable":    bind((*Admin).DisableAccessKey),
		"user.create":          bind((*Admin).CreateUser),
		"user.list":            bind((*Admin).ListUsers),
		"user.show":            bind((*Admin).ShowUser),
		"user.delete":          bind((*Admin).DeleteUser),
		"user.password":        bind((*Admin).SetPassword),
		"user.totp":            bind((*Admin).SetTOTP),
		"console.sessions":     bind((*Admin).ListConsoleSessions),
		"console.sign-out":     bind((*Admin).SignOut),
		"console.link":         bind((*Admin).NewConsoleLink),
		"group.create":         bind((*Admin).CreateGroup),
		"group.list":           bind((*Admin).ListGroups),
		"group.delete":         bind((*Admin).DeleteGroup),
		"group.add-user":       bind((*Admin).AddToGroup),
		"group.remove-user":    bind((*Admin).RemoveFromGroup),
		"policy.create":        bind((*Admin).CreatePolicy),
		"policy.update":        bind((*Admin).UpdatePolicy),
		"policy.list":          bind((*Admin).ListPolicies),
		"policy.show":          bind((*Admin).ShowPolicy),
		"policy.delete":        bind((*Admin).DeletePolicy),
		"policy.attach":        bind((*Admin).AttachPolicy),
		"policy.detach":        bind((*Admin).DetachPolicy),
		"policy.simulate":      bind((*Admin).SimulatePolicy),
		"role.create":          bind((*Admin).CreateRole),
		"role.update":          bind((*Admin).UpdateRole),
		"role.list":            bind((*Admin).ListRoles),
		"role.show":            bind((*Admin).ShowRole),
		"role.delete":          bind((*Admin).DeleteRole),
		"role.revoke":          bind((*Admin).RevokeRole),
		"session.list":         bind((*Admin).ListSessions),
		"session.revoke":       bind((*Admin).RevokeSession),
		"audit.read":           bind((*Admin).ReadAudit),
		"plan.grant":           bind((*Admin).GrantPlan),
		"plan.list":            bind((*Admin).ListPlans),
		"review.list":          bind((*Admin).ListReviews),
		"review.approve":       bind((*Admin).Approve),
		"review.reject":        bind((*Admin).Reject),
		"certificate.revoke":   bind((*Admin).RevokeCertificates),
		"issuer.add":           bind((*Admin).AddIssuer),
		"issuer.list":          bind((*Admin).ListIssuers),
		"issuer.test":          bind((*Admin).TestIssuer),
		"issuer.remove":        bind((*Admin).RemoveIssuer),
		"steps.list":           bind((*Admin).ListSteps),
		"steps.retry":          bind((*Admin).RetrySteps),
		"keyring.status":       bind((*Admin).KeyringStatus),
		"keyring.rotate":       bind((*Admin).RotateKeyring),
		"keyring.rewrap":       bind((*Admin).RewrapKeyring),
		"authority.list":       bind((*Admin).ListAuthorities),
		"authority.late":       bind((*Admin).ListLateCRLs),
		"settings.list":        bind((*Admin).ListSettings),
		"review.show":          bind((*Admin).ShowReview),
		"doctor":               bind((*Admin).Doctor),
		"notice.list":          bind((*Admin).ListNotices),
		"notice.target.add":    bind((*Admin).AddNoticeTarget),
		"notice.target.list":   bind((*Admin).ListNoticeTargets),
		"notice.target.remove": bind((*Admin).RemoveNoticeTarget),
		"notice.target.test":   bind((*Admin).TestNoticeTarget),
	}
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
	account := chancery.Account{ID: chancery.NewAccountID(), Name: in.Name, CreatedAt: a.Clock.Now(), Operator: in.Operator}
	err := a.Store.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.AddAccount(account); err != nil {
			return err
		}
		return a.record(tx, account.ID, "CreateAccount", "")
	})
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
		if plan, err = tx.AddPlan(plan); err != nil {
			return err
		}
		return a.record(tx, plan.AccountID, "GrantPlan", fmt.Sprintf("plan/%d", plan.ID))
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

// Report is what Doctor has found.
type Report = store.Report

// Inspection is what TestIssuer has found.
type Inspection = issuer.Inspection

// Doctor checks every invariant of the data.
func (a *Admin) Doctor(ctx context.Context, _ Nothing) (store.Report, error) {
	return a.Store.Examine(ctx)
}
