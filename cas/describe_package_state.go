package cas

import (
	"context"

	"chancery"
)

// DescribePackageStateInput is what DescribePackageState takes.
type DescribePackageStateInput struct {
	// The product. Default digicert-free-1-free.
	ProductCode string
}

// DescribePackageStateOutput is what DescribePackageState answers.
type DescribePackageStateOutput struct {
	// The product asked for.
	ProductCode string
	// Applications in the plans that can still be used, and those of ended plans
	// that orders hold: TotalCount minus UsedCount is what is left.
	TotalCount int64
	// Orders that hold a unit now.
	UsedCount int64
	// Orders that reached a certificate, also if it has expired since.
	IssuedCount int64
}

// DescribePackageState tells how many applications of a product the account may
// make, holds, and has seen issued. Without a plan all counts are 0.
//
// Errors: InvalidParameter (400) for an unknown product.
func (s *Service) DescribePackageState(ctx context.Context, caller chancery.Caller, in *DescribePackageStateInput) (*DescribePackageStateOutput, error) {
	product, err := s.Catalogue.Find(in.ProductCode)
	if err != nil {
		return nil, err
	}
	var quota chancery.Quota
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		quota, err = tx.Quota(caller.AccountID, product.Code, s.Clock.Now())
		return err
	})
	if err != nil {
		return nil, err
	}
	return &DescribePackageStateOutput{
		ProductCode: product.Code, TotalCount: quota.Total, UsedCount: quota.Used, IssuedCount: quota.Issued,
	}, nil
}
