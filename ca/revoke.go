package ca

import (
	"context"
	"fmt"
	"time"

	"chancery"
)

// Revoke records that a certificate of this CA is revoked: from then on OCSP says
// so, and within a minute its CRL. The first revocation stays. It is
// chancery.ErrNotFound for a serial that was never signed.
func (a *Authority) Revoke(ctx context.Context, serial string, at time.Time, reason chancery.Reason) error {
	err := a.config.Store.Write(ctx, func(tx chancery.Tx) error {
		return tx.RevokeIssuance(serial, at, reason)
	})
	if err != nil {
		return fmt.Errorf("revoking certificate %s: %w", serial, err)
	}
	return nil
}
