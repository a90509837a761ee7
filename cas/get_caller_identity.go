package cas

import (
	"context"
	"strconv"

	"chancery"
)

// GetCallerIdentityInput is what GetCallerIdentity takes: nothing.
type GetCallerIdentityInput struct{}

// GetCallerIdentityOutput is what GetCallerIdentity answers.
type GetCallerIdentityOutput struct {
	// The account.
	AccountId string
	// The same: an access key is the account's own.
	UserId string
	// The caller's resource name.
	Arn string
	// Always Account.
	IdentityType string
	// The same as AccountId.
	PrincipalId string
}

// GetCallerIdentity tells whose access key signed the call.
func (*Service) GetCallerIdentity(_ context.Context, caller chancery.Caller, _ *GetCallerIdentityInput) (*GetCallerIdentityOutput, error) {
	id := strconv.FormatInt(int64(caller.AccountID), 10)
	return &GetCallerIdentityOutput{AccountId: id, UserId: id, PrincipalId: id, Arn: "acs:ram::" + id + ":root", IdentityType: "Account"}, nil
}
