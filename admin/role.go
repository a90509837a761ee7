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

// Role is a role as the command line shows it. Sessions counts those that are open.
type Role struct {
	AccountID         chancery.AccountID `json:"accountId"`
	Name              string             `json:"name"`
	ARN               string             `json:"arn"`
	Description       string             `json:"description,omitempty"`
	MaxSessionSeconds int64              `json:"maxSessionSeconds"`
	Policies          []string           `json:"policies"`
	Sessions          int                `json:"sessions"`
	CreatedAt         time.Time          `json:"createdAt"`
	// Trust is the text as it was written; lists leave it out.
	Trust string `json:"trust,omitempty"`
}

// Trusted says who may assume a role: a document, an account, or a user of the
// role's account, one of them.
type Trusted struct {
	Document string             `json:"document,omitempty"`
	Account  chancery.AccountID `json:"account,omitempty"`
	User     string             `json:"user,omitempty"`
}

// NewRole asks for a role.
type NewRole struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	Description string             `json:"description,omitempty"`
	Trust       Trusted            `json:"trust"`
	// MaxSessionSeconds is how long a session may last; 0: an hour.
	MaxSessionSeconds int64 `json:"maxSessionSeconds,omitempty"`
}

// RoleChange changes what it has of a role.
type RoleChange struct {
	AccountID         chancery.AccountID `json:"accountId"`
	Name              string             `json:"name"`
	Description       *string            `json:"description,omitempty"`
	Trust             Trusted            `json:"trust"`
	MaxSessionSeconds int64              `json:"maxSessionSeconds,omitempty"`
}

// RevokedSessions tells how many sessions were ended.
type RevokedSessions struct {
	AccountID chancery.AccountID `json:"accountId"`
	Role      string             `json:"role"`
	Revoked   int64              `json:"revoked"`
}

func theRole(tx chancery.Tx, account chancery.AccountID, name string) (chancery.Role, error) {
	role, err := tx.Role(account, name)
	return role, missing(err, "role", name)
}

// policy writes the trust policy that is meant; it is empty when none is.
func (t Trusted) policy(tx chancery.Tx, account chancery.AccountID, role string) (string, error) {
	var principal string
	switch {
	case t.Account != 0 && t.User+t.Document == "":
		trusted, err := theAccount(tx, t.Account)
		if err != nil {
			return "", err
		}
		principal = chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: trusted}.ARN()
	case t.User != "" && t.Account == 0 && t.Document == "":
		user, err := theUser(tx, account, t.User)
		if err != nil {
			return "", err
		}
		principal = user.Principal().ARN()
	case t == Trusted{Document: t.Document}:
		if t.Document == "" {
			return "", nil
		}
		if _, err := ram.ParseTrust(role, []byte(t.Document)); err != nil {
			return "", fmt.Errorf("the trust policy of role %s: %w", role, words(err))
		}
		return t.Document, nil
	default:
		return "", errors.New("say in one way who may assume the role: by a document, an account or a user")
	}
	return fmt.Sprintf(trustForm, principal, ram.AssumeRole), nil
}

// trustForm trusts one principal, whose name has no character that JSON escapes.
const trustForm = `{
  "Version": "1",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {"RAM": [%q]},
      "Action": %q
    }
  ]
}`

func maxSession(seconds int64) (time.Duration, error) {
	length := time.Duration(seconds) * time.Second
	if length < chancery.MinSession || length > chancery.LongestSession {
		return 0, fmt.Errorf("a session may be allowed to last %s to %s, not %s", Length(chancery.MinSession), Length(chancery.LongestSession), Length(length))
	}
	return length, nil
}

// Length writes a length of time as people do: "12h", not "12h0m0s".
func Length(d time.Duration) string {
	text := strings.TrimSuffix(d.String(), "m0s")
	if text != d.String() {
		text = strings.TrimSuffix(text+"m", "h0m")
		if !strings.HasSuffix(text, "m") {
			text += "h"
		}
	}
	return text
}

// CreateRole makes a role without policies, which may do nothing yet.
func (a *Admin) CreateRole(ctx context.Context, in NewRole) (shown Role, err error) {
	if err := cmp.Or(words(chancery.CheckPrincipalName("role", in.Name)), checkText("description", in.Description)); err != nil {
		return shown, err
	}
	role := chancery.Role{ID: chancery.NewID(), Name: in.Name, Description: in.Description, MaxSession: chancery.DefaultMaxSession, CreatedAt: a.Clock.Now()}
	if in.MaxSessionSeconds != 0 {
		if role.MaxSession, err = maxSession(in.MaxSessionSeconds); err != nil {
			return shown, err
		}
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if role.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if role.Trust, err = in.Trust.policy(tx, role.AccountID, role.Name); err != nil {
			return err
		}
		if role.Trust == "" {
			return errors.New("say who may assume the role: by a document, an account or a user")
		}
		if err := tx.AddRole(role); err != nil {
			return inUse(err, "a role", in.Name)
		}
		return a.record(tx, role.AccountID, "CreateRole", "role/"+role.Name)
	})
	return showRole(role, holders{}, nil), err
}

func showRole(role chancery.Role, has holders, open map[int64]int) Role {
	return Role{
		AccountID: role.AccountID, Name: role.Name, ARN: role.ARN(), Description: role.Description,
		MaxSessionSeconds: int64(role.MaxSession / time.Second), Policies: has.policies(chancery.RolePrincipal, role.ID),
		Sessions: open[role.ID], CreatedAt: role.CreatedAt, Trust: role.Trust,
	}
}

// openSessions counts them by role.
func (a *Admin) openSessions(tx chancery.Tx, account chancery.AccountID) (map[int64]int, error) {
	sessions, err := tx.Sessions(account, a.Clock.Now())
	open := map[int64]int{}
	for _, session := range sessions {
		if session.RevokedAt.IsZero() {
			open[session.RoleID]++
		}
	}
	return open, err
}

// withRole gives fn a role, and answers with the role as fn left it and what it
// had before.
func (a *Admin) withRole(in Named, fn func(chancery.Tx, *chancery.Role) error, shown *Role) func(chancery.Tx) error {
	return func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		role, err := theRole(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		open, err := a.openSessions(tx, account)
		if err != nil {
			return err
		}
		err = fn(tx, &role)
		*shown = showRole(role, has, open)
		return err
	}
}

// UpdateRole changes description, trust or longest session. Open sessions go on;
// RevokeRole ends them.
func (a *Admin) UpdateRole(ctx context.Context, in RoleChange) (shown Role, err error) {
	if in.Description == nil && in.Trust == (Trusted{}) && in.MaxSessionSeconds == 0 {
		return shown, errors.New("name a description, a trust or a longest session to change")
	}
	if err := checkChanged("description", in.Description); err != nil {
		return shown, err
	}
	err = a.Store.Write(ctx, a.withRole(Named{in.AccountID, in.Name}, func(tx chancery.Tx, role *chancery.Role) error {
		if in.Description != nil {
			role.Description = *in.Description
		}
		if in.MaxSessionSeconds != 0 {
			length, err := maxSession(in.MaxSessionSeconds)
			if err != nil {
				return err
			}
			role.MaxSession = length
		}
		trust, err := in.Trust.policy(tx, role.AccountID, role.Name)
		if err != nil {
			return err
		}
		if trust != "" {
			role.Trust = trust
		}
		if err := tx.UpdateRole(*role); err != nil {
			return err
		}
		return a.record(tx, role.AccountID, "UpdateRole", "role/"+role.Name)
	}, &shown))
	return shown, err
}

// ListRoles lists an account's roles by name, without their trust policies.
func (a *Admin) ListRoles(ctx context.Context, in AccountName) (list []Role, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		roles, err := tx.Roles(account)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		open, err := a.openSessions(tx, account)
		list = make([]Role, len(roles))
		for i, role := range roles {
			role.Trust = ""
			list[i] = showRole(role, has, open)
		}
		return err
	})
	return list, err
}

// ShowRole gives one role with its trust policy.
func (a *Admin) ShowRole(ctx context.Context, in Named) (shown Role, err error) {
	err = a.Store.Read(ctx, a.withRole(in, func(chancery.Tx, *chancery.Role) error { return nil }, &shown))
	return shown, err
}

// DeleteRole removes a role with its attachments; its sessions end with the next
// request. The answer is the role as it was.
func (a *Admin) DeleteRole(ctx context.Context, in Named) (shown Role, err error) {
	err = a.Store.Write(ctx, a.withRole(in, func(tx chancery.Tx, role *chancery.Role) error {
		if err := tx.DeleteRole(role.AccountID, role.ID); err != nil {
			return err
		}
		return a.record(tx, role.AccountID, "DeleteRole", "role/"+role.Name)
	}, &shown))
	return shown, err
}

// RevokeRole ends all sessions of a role. Whom it trusts may assume it again.
func (a *Admin) RevokeRole(ctx context.Context, in Named) (done RevokedSessions, err error) {
	var shown Role
	err = a.Store.Write(ctx, a.withRole(in, func(tx chancery.Tx, role *chancery.Role) error {
		revoked, err := tx.RevokeSessions(role.AccountID, role.ID, a.Clock.Now())
		if err != nil {
			return err
		}
		done = RevokedSessions{AccountID: role.AccountID, Role: role.Name, Revoked: revoked}
		return a.record(tx, role.AccountID, "RevokeRole", "role/"+role.Name)
	}, &shown))
	return done, err
}
