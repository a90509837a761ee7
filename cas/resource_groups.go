package cas

import (
	"context"

	"chancery"
)

// ResourceGroups are those that an account has something in.
type ResourceGroups struct{ Groups []chancery.ResourceGroupUse }

// ResourceGroups counts the orders and certificates in each resource group.
func (s *Service) ResourceGroups(ctx context.Context, caller chancery.Caller, _ *Nothing) (*ResourceGroups, error) {
	out := &ResourceGroups{}
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		out.Groups, err = tx.ResourceGroups(caller.AccountID)
		return err
	})
	return out, err
}
