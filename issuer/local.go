package issuer

import (
	"context"

	"chancery"
	"chancery/ca"
)

// Local is the embedded CA as an order sees it.
type Local struct{ CA *ca.Authority }

var (
	_ chancery.Issuer  = Local{}
	_ chancery.Revoker = Local{}
)

// Issue implements chancery.Issuer.
func (l Local) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	return l.CA.Issue(ctx, request)
}

// Revoke implements chancery.Revoker.
func (l Local) Revoke(ctx context.Context, certificate chancery.Certificate) error {
	return l.CA.Revoke(ctx, certificate.Serial, certificate.RevokedAt, certificate.RevokeReason)
}
