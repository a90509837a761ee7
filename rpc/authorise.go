package rpc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"chancery"
	"chancery/ram"
)

// authorise asks the policies of a user or role whether the call may be made. The
// account itself may do everything in it.
func (g *Gateway) authorise(ctx context.Context, c *call, input any) error {
	if c.operation.Everyone || c.caller.Principal.Kind == chancery.AccountPrincipal {
		return nil
	}
	resource, err := g.named(ctx, c, input)
	if err != nil {
		return err
	}
	c.trail.about(resource)
	decision, err := g.decide(ctx, c, c.api.Action(c.operation), resource)
	if err != nil || decision.Allowed {
		return err
	}
	// The answer names it as the call did: what there is of that name is not told.
	return c.denied(decision, resourceOf(input))
}

// named is what the input names. Some inputs name it by something else than its
// id, which only the store knows; policies are about ids.
func (g *Gateway) named(ctx context.Context, c *call, input any) (resource string, err error) {
	resolver, ok := input.(interface {
		ResolveResource(tx chancery.Tx, account chancery.AccountID) (string, error)
	})
	if !ok {
		return resourceOf(input), nil
	}
	err = g.Store.Read(ctx, func(tx chancery.Tx) error {
		resource, err = resolver.ResolveResource(tx, c.caller.AccountID)
		if errors.Is(err, chancery.ErrNotFound) {
			resource, err = resourceOf(input), nil
		}
		return err
	})
	return resource, err
}

// withholdKey takes private keys out of an answer whose reader may not have them.
func (g *Gateway) withholdKey(ctx context.Context, c *call, output any) error {
	answer, ok := output.(chancery.KeyHolder)
	if ok && c.withoutKeys {
		answer.WithholdKey()
	}
	if !ok || !answer.RevealsKey() || c.caller.Principal.Kind == chancery.AccountPrincipal {
		return nil
	}
	names := append(answer.KeyResources(), c.keyNames...)
	if about := c.trail.line.Resource; about != "" {
		names = append(names, about)
	}
	decision, err := g.decide(ctx, c, c.api.RAMCode+":"+chancery.ReadPrivateKey, names...)
	if err != nil {
		return err
	}
	if !decision.Allowed {
		answer.WithholdKey()
	}
	return nil
}

func revealsKey(output any) bool {
	answer, ok := output.(chancery.KeyHolder)
	return ok && answer.RevealsKey()
}

// decide asks whether the caller may do the action to the one object that has
// these names.
func (g *Gateway) decide(ctx context.Context, c *call, action string, names ...string) (decision ram.Decision, err error) {
	if c.policies == nil {
		if c.policies, err = g.loadPolicies(ctx, c); err != nil {
			return decision, err
		}
	}
	request := ram.Request{Action: action, Context: ram.Context{
		SourceIP: c.caller.Address, Time: g.Clock.Now(), Secure: c.caller.Secure, PrincipalARN: c.caller.Principal.ARN(),
	}}
	for _, name := range names {
		request.Resources = append(request.Resources, c.api.FullName(c.caller.AccountID, name))
	}
	return c.policies.allow(request), nil
}

// deniedError is a denial with what the API tells of it besides code and message.
type deniedError struct {
	public *chancery.Error
	detail accessDeniedDetail
}

// Error implements error.
func (d *deniedError) Error() string { return d.public.Error() }

// Unwrap lets the error table find code and message.
func (d *deniedError) Unwrap() error { return d.public }

// accessDeniedDetail is as the original has it, as far as clients have shown.
type accessDeniedDetail struct {
	AuthAction               string
	AuthPrincipalType        string
	AuthPrincipalOwnerId     string
	AuthPrincipalDisplayName string
	NoPermissionType         string
	PolicyType               string
	EncodedDiagnosticMessage string
}

// denied tells the caller what was asked and that it was not allowed, and of the
// policies only whether one of them says no.
func (c *call) denied(decision ram.Decision, resource string) error {
	action, principal := c.api.Action(c.operation), c.caller.Principal
	detail := accessDeniedDetail{
		AuthAction: action, AuthPrincipalType: "SubUser", AuthPrincipalOwnerId: fmt.Sprint(principal.AccountID),
		AuthPrincipalDisplayName: principal.Name, NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
		EncodedDiagnosticMessage: base64.StdEncoding.EncodeToString([]byte(c.id)),
	}
	why := "no policy allows it"
	if decision.Explicit {
		detail.NoPermissionType, why = "ExplicitDeny", "a policy denies it"
	}
	if principal.Kind == chancery.RolePrincipal {
		detail.AuthPrincipalType, detail.AuthPrincipalDisplayName = "AssumedRoleUser", principal.Name+":"+principal.Session
	}
	return &deniedError{
		chancery.Errorf(ForbiddenRAM, "%s may not do %s on %s: %s", principal.ARN(), action, c.api.FullName(principal.AccountID, resource), why), detail,
	}
}
