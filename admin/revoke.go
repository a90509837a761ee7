package admin

import (
	"context"
	"errors"
	"fmt"

	"chancery"
	"chancery/cas"
)

// RevokeBatch is how many certificates one call revokes at most: a transaction
// that keeps other writers waiting for a fraction of a second.
const RevokeBatch = 500

const revokeAction = "RevokeCertificate"

// RevokeCertificates asks for certificates to be revoked: those with the serials,
// of the embedded CA and of whatever account, or without serials all that an
// account's orders hold.
type RevokeCertificates struct {
	AccountID chancery.AccountID `json:"accountId,omitempty"`
	// Serials are at most RevokeBatch, in lower-case hex.
	Serials []string `json:"serials,omitempty"`
	Reason  string   `json:"reason,omitempty"`
}

// RevokedCertificates is what came of one call.
type RevokedCertificates struct {
	Revoked int64 `json:"revoked"`
	// Before counts those that were revoked already.
	Before int64 `json:"revokedBefore"`
	// Unknown are serials that the embedded CA never signed.
	Unknown []string `json:"unknown,omitempty"`
	// More: the account may hold others; call again.
	More bool `json:"more"`
}

// RevokeCertificates revokes in one transaction, by the same rule as
// CancelCertificateForPackageRequest. A certificate of the embedded CA that no
// order holds any more is revoked in the CA's record.
func (a *Admin) RevokeCertificates(ctx context.Context, in RevokeCertificates) (RevokedCertificates, error) {
	reason, err := chancery.ParseReason(in.Reason)
	if err != nil {
		return RevokedCertificates{}, err
	}
	if (len(in.Serials) == 0) == (in.AccountID == 0) {
		return RevokedCertificates{}, errors.New("name either serials or an account")
	}
	if len(in.Serials) > RevokeBatch {
		return RevokedCertificates{}, fmt.Errorf("%d serials are given; one call takes %d", len(in.Serials), RevokeBatch)
	}
	revocation := cas.Revocation{At: a.Clock.Now(), Reason: reason, RefundWindow: a.RefundWindow}
	var done RevokedCertificates
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		done = RevokedCertificates{}
		if len(in.Serials) == 0 {
			return a.revokeAccount(tx, in.AccountID, revocation, &done)
		}
		for _, serial := range in.Serials {
			if err := a.revokeSerial(tx, serial, revocation, &done); err != nil {
				return fmt.Errorf("revoking %s: %w", serial, err)
			}
		}
		return nil
	})
	if err == nil && a.Wake != nil {
		a.Wake()
	}
	return done, err
}

func (a *Admin) revokeAccount(tx chancery.Tx, id chancery.AccountID, revocation cas.Revocation, done *RevokedCertificates) error {
	account, err := theAccount(tx, id)
	if err != nil {
		return err
	}
	orders, err := tx.IssuedOrders(account, RevokeBatch)
	if err != nil {
		return err
	}
	for _, order := range orders {
		o, err := tx.Order(account, order)
		if err != nil {
			return err
		}
		if err := cas.Revoke(tx, o, revocation); err != nil {
			return err
		}
		if err := a.record(tx, account, revokeAction, orderName(o.ID)); err != nil {
			return err
		}
		done.Revoked++
	}
	done.More = len(orders) == RevokeBatch
	return nil
}

func (a *Admin) revokeSerial(tx chancery.Tx, serial string, revocation cas.Revocation, done *RevokedCertificates) error {
	issuance, err := tx.Issuance(serial)
	switch {
	case errors.Is(err, chancery.ErrNotFound) || err == nil && len(issuance.Certificate) == 0:
		done.Unknown = append(done.Unknown, serial)
		return nil
	case err != nil:
		return err
	case !issuance.RevokedAt.IsZero():
		done.Before++
		return nil
	}
	o, err := tx.Order(issuance.AccountID, issuance.OrderID)
	switch {
	case err == nil && o.State == chancery.Issued:
		err = cas.Revoke(tx, o, revocation)
	case err == nil && o.State == chancery.Revoked:
		done.Before++ // the step that tells the CA is on its way
		return nil
	case err == nil || errors.Is(err, chancery.ErrNotFound):
		err = tx.RevokeIssuance(serial, revocation.At, revocation.Reason)
	}
	if err != nil {
		return err
	}
	done.Revoked++
	if issuance.AccountID == 0 { // the service's own, which is in no account's log
		return nil
	}
	return a.record(tx, issuance.AccountID, revokeAction, orderName(issuance.OrderID))
}
