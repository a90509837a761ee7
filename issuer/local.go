package issuer

import (
	"context"

	"chancery"
	"chancery/ca"
)

// Local is the embedded CA as an order sees it.
type Local struct{ CA *ca.Authority }

var _ chancery.Issuer = Local{}

// Issue implements chancery.Issuer.
func (l Local) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	return l.CA.Issue(ctx, request)
}
