package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chancery"
)

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
