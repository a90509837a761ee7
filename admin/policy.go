package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chancery"
	"chancery/ram"
)

// Policy is a policy, and who has it, as the command line shows it.
type Policy struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	BuiltIn     bool               `json:"builtIn"`
	Users       []string           `json:"users"`
	Groups      []string           `json:"groups"`
	Roles       []string           `json:"roles"`
	CreatedAt   *time.Time         `json:"createdAt,omitempty"` // absent: built in
	UpdatedAt   *time.Time         `json:"updatedAt,omitempty"`
	// Document is the text as it was written; lists leave it out.
	Document string `json:"document,omitempty"`
}

// NewPolicy asks for a policy.
type NewPolicy struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Document    string             `json:"document"`
}

// PolicyChange changes what it has of a policy.
type PolicyChange struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	Description *string            `json:"description,omitempty"`
	Document    *string            `json:"document,omitempty"`
}

func (h holders) show(p chancery.PolicyDocument) Policy {
	shown := Policy{
		AccountID: p.AccountID, Name: p.Name, Description: p.Description, BuiltIn: ram.IsSystem(p.Name), Document: p.Document,
		Users: h.of(p.Name, chancery.UserPrincipal), Groups: h.of(p.Name, chancery.GroupPrincipal), Roles: h.of(p.Name, chancery.RolePrincipal),
	}
	if !shown.BuiltIn {
		shown.CreatedAt, shown.UpdatedAt = &p.CreatedAt, &p.UpdatedAt
	}
	return shown
}

// builtIn gives the built-in policies as if they were the account's.
func builtIn(account chancery.AccountID) []chancery.PolicyDocument {
	var list []chancery.PolicyDocument
	for _, p := range ram.System() {
		list = append(list, chancery.PolicyDocument{AccountID: account, Name: p.Name, Description: p.Description, Document: p.Document})
	}
	return list
}

// thePolicy finds one of the account's policies, or a built-in one.
func thePolicy(tx chancery.Tx, account chancery.AccountID, name string) (chancery.PolicyDocument, error) {
	for _, p := range builtIn(account) {
		if p.Name == name {
			return p, nil
		}
	}
	p, err := tx.Policy(account, name)
	return p, missing(err, "policy", name)
}

// own refuses what would change a built-in policy.
func own(name string) error {
	if ram.IsSystem(name) {
		return fmt.Errorf("policy %s is built in and stays as it is; give your own another name", name)
	}
	return nil
}

// words leaves out the code, which is for callers of the API.
func words(err error) error {
	var refused *chancery.Error
	if errors.As(err, &refused) {
		return errors.New(refused.Message)
	}
	return err
}

// CreatePolicy keeps a policy of the account, which nobody has yet.
func (a *Admin) CreatePolicy(ctx context.Context, in NewPolicy) (shown Policy, err error) {
	if err := cmp.Or(words(chancery.CheckPrincipalName("policy", in.Name)), own(in.Name), checkText("description", in.Description)); err != nil {
		return shown, err
	}
	if _, err := ram.Parse(in.Name, []byte(in.Document)); err != nil {
		return shown, fmt.Errorf("policy %s: %w", in.Name, words(err))
	}
	now := a.Clock.Now()
	policy := chancery.PolicyDocument{Name: in.Name, Description: in.Description, Document: in.Document, CreatedAt: now, UpdatedAt: now}
	err = a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if policy.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if err := tx.AddPolicy(policy); err != nil {
			return inUse(err, "a policy", in.Name)
		}
		return a.record(tx, policy.AccountID, "CreatePolicy", "policy/"+policy.Name)
	})
	return holders{}.show(policy), err
}

// UpdatePolicy changes a policy of the account for all that have it, from the next
// request on.
func (a *Admin) UpdatePolicy(ctx context.Context, in PolicyChange) (shown Policy, err error) {
	if err := cmp.Or(own(in.Name), checkChanged("description", in.Description)); err != nil {
		return shown, err
	}
	if in.Document == nil && in.Description == nil {
		return shown, errors.New("name a document or a description to change")
	}
	if in.Document != nil {
		if _, err := ram.Parse(in.Name, []byte(*in.Document)); err != nil {
			return shown, fmt.Errorf("policy %s: %w", in.Name, words(err))
		}
	}
	return a.withPolicy(ctx, Named{in.AccountID, in.Name}, func(tx chancery.Tx, p *chancery.PolicyDocument, _ holders) error {
		if in.Document != nil {
			p.Document = *in.Document
		}
		if in.Description != nil {
			p.Description = *in.Description
		}
		p.UpdatedAt = a.Clock.Now()
		if err := tx.UpdatePolicy(*p); err != nil {
			return err
		}
		return a.record(tx, p.AccountID, "UpdatePolicy", "policy/"+p.Name)
	})
}

// DeletePolicy removes a policy of the account that nobody has. The answer is the
// policy as it was.
func (a *Admin) DeletePolicy(ctx context.Context, in Named) (Policy, error) {
	if err := own(in.Name); err != nil {
		return Policy{}, err
	}
	return a.withPolicy(ctx, in, func(tx chancery.Tx, p *chancery.PolicyDocument, has holders) error {
		if who := has.everyone(p.Name); len(who) > 0 {
			return fmt.Errorf("policy %s is in use: %s; take it away first with `chancery policy detach`", p.Name, strings.Join(who, ", "))
		}
		if err := tx.DeletePolicy(p.AccountID, p.Name); err != nil {
			return err
		}
		return a.record(tx, p.AccountID, "DeletePolicy", "policy/"+p.Name)
	})
}

// withPolicy runs a change of a policy, and answers with what became of it.
func (a *Admin) withPolicy(ctx context.Context, in Named, fn func(chancery.Tx, *chancery.PolicyDocument, holders) error) (shown Policy, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		policy, err := thePolicy(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		if err := fn(tx, &policy, has); err != nil {
			return err
		}
		if has, err = holdersIn(tx, account); err != nil {
			return err
		}
		shown = has.show(policy)
		return nil
	})
	return shown, err
}

// ListPolicies lists the built-in policies and those of the account, without their
// documents.
func (a *Admin) ListPolicies(ctx context.Context, in AccountName) (list []Policy, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		own, err := tx.Policies(account)
		list = nil
		for _, p := range append(builtIn(account), own...) {
			p.Document = ""
			list = append(list, has.show(p))
		}
		return err
	})
	return list, err
}

// ShowPolicy gives one policy with its document.
func (a *Admin) ShowPolicy(ctx context.Context, in Named) (shown Policy, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		policy, err := thePolicy(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		shown = has.show(policy)
		return err
	})
	return shown, err
}
