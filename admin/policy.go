package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
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

// Attachment names a policy and one user, group or role.
type Attachment struct {
	AccountID chancery.AccountID `json:"accountId"`
	Policy    string             `json:"policy"`
	User      string             `json:"user,omitempty"`
	Group     string             `json:"group,omitempty"`
	Role      string             `json:"role,omitempty"`
}

// holders are who has which policies in an account.
type holders struct {
	attachments []chancery.Attachment
	names       map[chancery.PrincipalKind]map[int64]string
}

func holdersIn(tx chancery.Tx, account chancery.AccountID) (h holders, err error) {
	if h.attachments, err = tx.Attachments(account); err != nil {
		return h, err
	}
	users, err := userNames(tx, account)
	if err != nil {
		return h, err
	}
	groups, err := tx.Groups(account)
	if err != nil {
		return h, err
	}
	roles, err := tx.Roles(account)
	h.names = map[chancery.PrincipalKind]map[int64]string{chancery.UserPrincipal: users, chancery.GroupPrincipal: {}, chancery.RolePrincipal: {}}
	for _, group := range groups {
		h.names[chancery.GroupPrincipal][group.ID] = group.Name
	}
	for _, role := range roles {
		h.names[chancery.RolePrincipal][role.ID] = role.Name
	}
	return h, err
}

// policies lists those of a user, group or role by name.
func (h holders) policies(kind chancery.PrincipalKind, id int64) []string {
	list := []string{}
	for _, a := range h.attachments {
		if a.Kind == kind && a.ID == id {
			list = append(list, a.Policy)
		}
	}
	slices.Sort(list)
	return list
}

// of lists the users, groups or roles that have a policy, by name.
func (h holders) of(policy string, kind chancery.PrincipalKind) []string {
	list := []string{}
	for _, a := range h.attachments {
		if a.Kind == kind && a.Policy == policy {
			list = append(list, h.names[kind][a.ID])
		}
	}
	slices.Sort(list)
	return list
}

// everyone lists all that have a policy, in words.
func (h holders) everyone(policy string) []string {
	list := []string{}
	for _, kind := range []chancery.PrincipalKind{chancery.UserPrincipal, chancery.GroupPrincipal, chancery.RolePrincipal} {
		for _, name := range h.of(policy, kind) {
			list = append(list, string(kind)+" "+name)
		}
	}
	return list
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

// holder finds the user, group or role that is meant.
func (in Attachment) holder(tx chancery.Tx, account chancery.AccountID) (kind chancery.PrincipalKind, id int64, name string, err error) {
	if names := strings.Fields(in.User + " " + in.Group + " " + in.Role); len(names) != 1 {
		return "", 0, "", errors.New("name one user, group or role")
	}
	switch {
	case in.User != "":
		user, err := theUser(tx, account, in.User)
		return chancery.UserPrincipal, user.ID, user.Name, err
	case in.Group != "":
		group, err := theGroup(tx, account, in.Group)
		return chancery.GroupPrincipal, group.ID, group.Name, err
	}
	role, err := theRole(tx, account, in.Role)
	return chancery.RolePrincipal, role.ID, role.Name, err
}

// AttachPolicy gives a policy to a user, group or role. It changes nothing when it
// has the policy already.
func (a *Admin) AttachPolicy(ctx context.Context, in Attachment) (Policy, error) {
	return a.attach(ctx, in, "AttachPolicy", func(tx chancery.Tx, held bool, at chancery.Attachment) (bool, error) {
		return !held, tx.AttachPolicy(at)
	})
}

// DetachPolicy takes a policy away.
func (a *Admin) DetachPolicy(ctx context.Context, in Attachment) (Policy, error) {
	return a.attach(ctx, in, "DetachPolicy", func(tx chancery.Tx, held bool, at chancery.Attachment) (bool, error) {
		if !held {
			return false, errNotAttached
		}
		return true, tx.DetachPolicy(at)
	})
}

var errNotAttached = errors.New("not attached")

// attach runs fn, which tells whether it changed something.
func (a *Admin) attach(ctx context.Context, in Attachment, action string, fn func(chancery.Tx, bool, chancery.Attachment) (bool, error)) (Policy, error) {
	return a.withPolicy(ctx, Named{in.AccountID, in.Policy}, func(tx chancery.Tx, p *chancery.PolicyDocument, has holders) error {
		kind, id, name, err := in.holder(tx, p.AccountID)
		if err != nil {
			return err
		}
		held := slices.Contains(has.policies(kind, id), p.Name)
		changed, err := fn(tx, held, chancery.Attachment{AccountID: p.AccountID, Kind: kind, ID: id, Policy: p.Name})
		if errors.Is(err, errNotAttached) {
			who := cmp.Or(strings.Join(has.everyone(p.Name), ", "), "nobody")
			return fmt.Errorf("%s %s does not have policy %s; who has it: %s", kind, name, p.Name, who)
		}
		if err != nil || !changed {
			return err
		}
		return a.record(tx, p.AccountID, action, string(kind)+"/"+name+"/policy/"+p.Name)
	})
}
