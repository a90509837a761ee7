package testenv

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"chancery"
	"chancery/sts"
)

// AsUser makes a user of the account that has the policies, each a document or the
// name of a built-in one, and signs with a key of the user.
func (p *Tenant) AsUser(name string, policies ...string) *Tenant {
	p.env.t.Helper()
	user := chancery.User{ID: chancery.NewID(), AccountID: p.Account, Name: name, CreatedAt: p.env.Clock.Now()}
	p.env.Write(func(tx chancery.Tx) error { return tx.AddUser(user) })
	key := chancery.NewAccessKey(p.Account, p.env.Clock.Now())
	key.UserID = user.ID
	signing := p.AddKey(key)
	signing.Principal = user.Principal()
	signing.Attach(policies...)
	return signing
}

// AsRole makes a role that trusts the account and has the policies, and assumes it
// with the tenant's own key.
func (p *Tenant) AsRole(name string, policies ...string) *Tenant {
	p.env.t.Helper()
	role := p.NewRole(name, Trusting(p.Principal.ARN()), policies...)
	return p.Assume(role, nil)
}

// NewRole adds a role with a trust policy.
func (p *Tenant) NewRole(name, trust string, policies ...string) chancery.Role {
	p.env.t.Helper()
	role := chancery.Role{
		ID: chancery.NewID(), AccountID: p.Account, Name: name, Trust: trust, MaxSession: 2 * time.Hour, CreatedAt: p.env.Clock.Now(),
	}
	p.env.Write(func(tx chancery.Tx) error { return tx.AddRole(role) })
	p.env.attach(p.env.policies(p.Account, policies), chancery.Principal{Kind: chancery.RolePrincipal, AccountID: p.Account, ID: role.ID})
	return role
}

// Assume assumes a role by the API; the test ends if that fails. The parameters
// are further ones of AssumeRole.
func (p *Tenant) Assume(role chancery.Role, parameters map[string]string) *Tenant {
	p.env.t.Helper()
	var out sts.AssumeRoleOutput
	p.AskForRole(role.ARN(), parameters).Decode(&out)
	return &Tenant{
		Account: role.AccountID, env: p.env, Token: out.Credentials.SecurityToken,
		Key: chancery.AccessKey{
			ID: out.Credentials.AccessKeyId, AccountID: role.AccountID, Secret: chancery.NewSecret([]byte(out.Credentials.AccessKeySecret)),
		},
		Principal: chancery.Principal{
			Kind: chancery.RolePrincipal, AccountID: role.AccountID, ID: role.ID, Name: role.Name, Session: sessionName,
		},
	}
}

const sessionName = "test-session"

// AskForRole calls AssumeRole.
func (p *Tenant) AskForRole(arn string, parameters map[string]string) Answer {
	p.env.t.Helper()
	all := map[string]string{"RoleArn": arn, "RoleSessionName": sessionName}
	for name, value := range parameters {
		all[name] = value
	}
	return p.Signed("AssumeRole", all, InVersion(sts.Version))
}

// InVersion has a request call another API version than that of cas.
func InVersion(version string) func(*Request) {
	return func(r *Request) { r.Options.Version = version }
}

// Attach gives the user or role that signs further policies.
func (p *Tenant) Attach(policies ...string) {
	p.env.t.Helper()
	p.env.attach(p.env.policies(p.Account, policies), p.Principal)
}

// Only makes a document the one policy of the user or role that signs.
func (p *Tenant) Only(document string) {
	p.env.t.Helper()
	p.Detach()
	p.Attach(document)
}

// Detach takes all its policies from the user or role that signs.
func (p *Tenant) Detach() {
	p.env.t.Helper()
	p.env.Write(func(tx chancery.Tx) error {
		all, err := tx.Attachments(p.Account)
		for _, a := range all {
			if err == nil && a.Kind == p.Principal.Kind && a.ID == p.Principal.ID {
				err = tx.DetachPolicy(a)
			}
		}
		return err
	})
}

// InGroup puts the user that signs into a new group that has the policies.
func (p *Tenant) InGroup(name string, policies ...string) chancery.Group {
	p.env.t.Helper()
	group := chancery.Group{ID: chancery.NewID(), AccountID: p.Account, Name: name, CreatedAt: p.env.Clock.Now()}
	p.env.Write(func(tx chancery.Tx) error {
		if err := tx.AddGroup(group); err != nil {
			return err
		}
		return tx.AddMember(p.Account, group.ID, p.Principal.ID)
	})
	p.env.attach(p.env.policies(p.Account, policies), group.Principal())
	return group
}

// policies stores documents under names of their own and gives all names.
func (e *Env) policies(account chancery.AccountID, policies []string) (names []string) {
	e.t.Helper()
	for _, text := range policies {
		if !strings.HasPrefix(text, "{") {
			names = append(names, text)
			continue
		}
		name := fmt.Sprint("policy-", chancery.NewID())
		now := e.Clock.Now()
		e.Write(func(tx chancery.Tx) error {
			return tx.AddPolicy(chancery.PolicyDocument{AccountID: account, Name: name, Document: text, CreatedAt: now, UpdatedAt: now})
		})
		names = append(names, name)
	}
	return names
}

func (e *Env) attach(names []string, to chancery.Principal) {
	e.t.Helper()
	for _, name := range names {
		e.Write(func(tx chancery.Tx) error {
			return tx.AttachPolicy(chancery.Attachment{AccountID: to.AccountID, Kind: to.Kind, ID: to.ID, Policy: name})
		})
	}
}

// Statement is one of a policy, to be put together by Policy.
type Statement map[string]any

// Policy writes a policy document.
func Policy(statements ...Statement) string {
	text, err := json.Marshal(map[string]any{"Version": "1", "Statement": statements})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// Allow is a statement that allows actions on a resource; "*" is all.
func Allow(resource string, actions ...string) Statement {
	return Statement{"Effect": "Allow", "Action": actions, "Resource": resource}
}

// Deny is a statement that denies actions on a resource.
func Deny(resource string, actions ...string) Statement {
	return Statement{"Effect": "Deny", "Action": actions, "Resource": resource}
}

// AllowAllBut is a statement that allows every action but those.
func AllowAllBut(actions ...string) Statement {
	return Statement{"Effect": "Allow", "NotAction": actions, "Resource": "*"}
}

// If puts a condition to a statement.
func (s Statement) If(operator, key, value string) Statement {
	s["Condition"] = map[string]any{operator: map[string]any{key: value}}
	return s
}

// Trusting writes the trust policy of a role that trusts principals.
func Trusting(principals ...string) string {
	return Policy(Statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"RAM": principals}})
}
