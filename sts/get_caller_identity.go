package sts

import (
	"context"
	"strconv"

	"chancery"
)

// GetCallerIdentityInput is what GetCallerIdentity takes: nothing.
type GetCallerIdentityInput struct{}

// GetCallerIdentityOutput is what GetCallerIdentity answers.
type GetCallerIdentityOutput struct {
	// The account in which the caller acts.
	AccountId string
	// The id of the user; that of the account for its own key, absent for a role.
	UserId string `json:",omitempty" xml:",omitempty"`
	// The id of the role; absent for others.
	RoleId string `json:",omitempty" xml:",omitempty"`
	// The caller's resource name.
	Arn string
	// Account, RAMUser or AssumedRoleUser.
	IdentityType string
	// The same as UserId; of a role its id and the session's name.
	PrincipalId string
}

// GetCallerIdentity tells whose access key signed the call. No policy can forbid it.
func (*Service) GetCallerIdentity(_ context.Context, caller chancery.Caller, _ *GetCallerIdentityInput) (*GetCallerIdentityOutput, error) {
	account, id := strconv.FormatInt(int64(caller.AccountID), 10), strconv.FormatInt(caller.Principal.ID, 10)
	out := &GetCallerIdentityOutput{AccountId: account, Arn: caller.Principal.ARN()}
	switch caller.Principal.Kind {
	case chancery.UserPrincipal:
		out.IdentityType, out.UserId, out.PrincipalId = "RAMUser", id, id
	case chancery.RolePrincipal:
		out.IdentityType, out.RoleId, out.PrincipalId = "AssumedRoleUser", id, id+":"+caller.Principal.Session
	default:
		out.IdentityType, out.UserId, out.PrincipalId = "Account", account, account
	}
	return out, nil
}
