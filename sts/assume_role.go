package sts

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"chancery"
	"chancery/ram"
)

// Codes of the security token service, as its pages name them.
const (
	noSuchRole      chancery.Code = "EntityNotExist.Role"
	noPermission    chancery.Code = "NoPermission"
	badRoleARN      chancery.Code = "InvalidParameter.RoleArn"
	badSessionName  chancery.Code = "InvalidParameter.RoleSessionName"
	badDuration     chancery.Code = "InvalidParameter.DurationSeconds"
	badPolicy       chancery.Code = "InvalidParameter.PolicyGrammar"
	policyTooLarge  chancery.Code = "InvalidParameter.PolicySize"
	maxPolicyLength               = 2048
)

// AssumeRoleInput is what AssumeRole takes.
type AssumeRoleInput struct {
	// The role: acs:ram::<account>:role/<name>.
	RoleArn string `api:"required"`
	// A name for this use of the role, which the audit log shows: 2 to 64 letters,
	// digits, '.', '@', '-' or '_'.
	RoleSessionName string `api:"required"`
	// How long the credentials shall be good: 900 seconds up to what the role allows.
	// Default 3600, or what the role allows if that is less.
	DurationSeconds int64
	// A policy document that narrows, for this session, what the role's policies
	// allow; up to 2,048 characters. It cannot allow more.
	Policy string
}

// Resource names the role.
func (in *AssumeRoleInput) Resource() string {
	if _, _, err := parseRoleARN(in.RoleArn); err != nil {
		return ""
	}
	return in.RoleArn
}

// AssumeRoleOutput is what AssumeRole answers.
type AssumeRoleOutput struct {
	// Who the credentials are.
	AssumedRoleUser AssumedRoleUser
	// What to sign with.
	Credentials Credentials
}

// AssumedRoleUser is a role in use.
type AssumedRoleUser struct {
	// acs:ram::<account>:assumed-role/<role>/<session>.
	Arn string
	// The role's id and the session's name, with a colon between.
	AssumedRoleId string
}

// Credentials are temporary: all three texts are needed to sign.
type Credentials struct {
	AccessKeyId     string
	AccessKeySecret string
	SecurityToken   string
	// When they end, in UTC: 2006-01-02T15:04:05Z.
	Expiration string
}

// AssumeRole gives temporary credentials with which a role is used. The role's
// trust policy must name the caller, and the caller's own policies must allow
// sts:AssumeRole on the role. The credentials end by themselves, and earlier when
// the operator revokes them or deletes the role.
//
// Errors: MissingParameter, InvalidParameter.RoleArn, InvalidParameter.RoleSessionName,
// InvalidParameter.DurationSeconds, InvalidParameter.PolicyGrammar,
// InvalidParameter.PolicySize (400); EntityNotExist.Role (404); NoPermission when the
// role does not trust the caller, or is another account's and does not exist (403).
func (s *Service) AssumeRole(ctx context.Context, caller chancery.Caller, in *AssumeRoleInput) (*AssumeRoleOutput, error) {
	account, name, err := parseRoleARN(in.RoleArn)
	if err != nil {
		return nil, err
	}
	if !sessionName.MatchString(in.RoleSessionName) {
		return nil, chancery.Errorf(badSessionName, "RoleSessionName: 2 to 64 letters, digits, '.', '@', '-' or '_'")
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	now := s.Clock.Now()
	var role chancery.Role
	var session chancery.Session
	var token chancery.Secret
	if account != caller.AccountID {
		ctx = chancery.Unconfine(ctx)
	}
	err = s.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if role, err = trustedRole(tx, caller, account, name, now); err != nil {
			return err
		}
		session, token = chancery.NewSession(role, now)
		length, err := duration(in.DurationSeconds, role)
		if err != nil {
			return err
		}
		session.Name, session.Policy, session.Source = in.RoleSessionName, in.Policy, caller.Principal.ARN()
		session.ExpiresAt = now.Add(length)
		if err := tx.AddSession(session); err != nil || account == caller.AccountID {
			return err
		}
		return tx.AppendAudit(lent(role, caller, now))
	})
	if err != nil {
		return nil, err
	}
	used := chancery.Principal{Kind: chancery.RolePrincipal, AccountID: account, ID: role.ID, Name: role.Name, Session: session.Name}
	return &AssumeRoleOutput{
		AssumedRoleUser: AssumedRoleUser{Arn: used.ARN(), AssumedRoleId: strconv.FormatInt(role.ID, 10) + ":" + session.Name},
		Credentials: Credentials{
			AccessKeyId: session.AccessKeyID, AccessKeySecret: string(session.Secret.Reveal()), SecurityToken: string(token.Reveal()),
			Expiration: session.ExpiresAt.UTC().Format("2006-01-02T15:04:05Z"),
		},
	}, nil
}

// lent is the line in the audit log of a role's account when another one's
// principal assumes it; the caller's own account has the call's.
func lent(role chancery.Role, caller chancery.Caller, now time.Time) chancery.AuditLine {
	return chancery.AuditLine{
		AccountID: role.AccountID, At: now, RequestID: caller.RequestID, Principal: caller.Principal.ARN(),
		Address: caller.Address.String(), Action: ram.AssumeRole, Resource: "role/" + role.Name,
	}
}

var (
	roleARN     = regexp.MustCompile(`^acs:ram::([0-9]{1,16}):role/([A-Za-z0-9._@-]{1,64})$`)
	sessionName = regexp.MustCompile(`^[A-Za-z0-9.@_-]{2,64}$`)
)

func parseRoleARN(text string) (chancery.AccountID, string, error) {
	parts := roleARN.FindStringSubmatch(text)
	if parts == nil {
		return 0, "", chancery.Errorf(badRoleARN, "RoleArn: a role's name is acs:ram::<account>:role/<name>")
	}
	account, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil {
		return 0, "", fmt.Errorf("reading a role's name: %w", err)
	}
	return chancery.AccountID(account), parts[2], nil
}

func checkPolicy(document string) error {
	if document == "" {
		return nil
	}
	if len(document) > maxPolicyLength {
		return chancery.Errorf(policyTooLarge, "Policy: more than %d characters", maxPolicyLength)
	}
	var refused *chancery.Error
	if _, err := ram.Parse("Policy", []byte(document)); errors.As(err, &refused) {
		return chancery.Errorf(badPolicy, "%s", refused.Message)
	} else if err != nil {
		return fmt.Errorf("reading a session's policy: %w", err)
	}
	return nil
}

func duration(asked int64, role chancery.Role) (time.Duration, error) {
	if asked == 0 {
		return min(chancery.DefaultMaxSession, role.MaxSession), nil
	}
	if asked < int64(chancery.MinSession/time.Second) || asked > int64(role.MaxSession/time.Second) {
		return 0, chancery.Errorf(badDuration, "DurationSeconds: %d to %d for this role", chancery.MinSession/time.Second, role.MaxSession/time.Second)
	}
	return time.Duration(asked) * time.Second, nil
}

// trustedRole finds the role if it trusts the caller. Another account's that does
// not is answered like one that does not exist.
func trustedRole(tx chancery.Tx, caller chancery.Caller, account chancery.AccountID, name string, now time.Time) (chancery.Role, error) {
	untrusted := chancery.Errorf(noPermission, "the role does not trust %s, or does not exist", caller.Principal.ARN())
	role, err := tx.Role(account, name)
	switch {
	case errors.Is(err, chancery.ErrNotFound) && account == caller.AccountID:
		return role, chancery.Errorf(noSuchRole, "this account has no role %s", name)
	case errors.Is(err, chancery.ErrNotFound):
		return role, untrusted
	case err != nil:
		return role, err
	}
	trust, err := ram.ParseTrust(role.Name, []byte(role.Trust))
	if err != nil {
		return role, fmt.Errorf("reading the trust policy of role %d: %w", role.ID, err)
	}
	decision := ram.EvaluateTrust(trust, names(caller.Principal), ram.Context{
		SourceIP: caller.Address, Time: now, PrincipalARN: caller.Principal.ARN(), Secure: caller.Secure,
	})
	if !decision.Allowed {
		return role, untrusted
	}
	return role, nil
}

// names are those by which trust policies may mean the caller: itself, the role it
// uses, and its account.
func names(p chancery.Principal) []string {
	account := chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: p.AccountID}
	names := []string{p.ARN(), account.ARN()}
	if p.Kind == chancery.RolePrincipal {
		names = append(names, chancery.Role{AccountID: p.AccountID, Name: p.Name}.ARN())
	}
	return names
}
