package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

const authorityID = "0123456789abcdef0123456789abcdef"

// signedIssuances adds an authority with so many signed certificates on one CRL.
func signedIssuances(env *testenv.Env, crl int64, many int) {
	env.Write(func(tx chancery.Tx) error {
		if _, err := tx.NewestCRL(authorityID); errors.Is(err, chancery.ErrNotFound) {
			authority := chancery.Authority{ID: authorityID, Kind: chancery.IssuingAuthority, Certificate: []byte{1}, Key: chancery.NewSecret([]byte{1}), CreatedAt: env.Clock.Now()}
			if err := tx.AddAuthority(authority); err != nil {
				return err
			}
		}
		for i := range many {
			serial := fmt.Sprintf("%02x%02x", crl, i)
			issuance := chancery.Issuance{Serial: serial, AuthorityID: authorityID, ToBeSigned: []byte{1}, At: env.Clock.Now(), NotAfter: env.Clock.Now().Add(time.Hour), CRL: crl}
			if err := tx.AddIssuance(issuance); err != nil {
				return err
			}
			if i == many-1 {
				break // the last one is never signed
			}
			if err := tx.CompleteIssuance(serial, []byte{1}); err != nil {
				return err
			}
		}
		return nil
	})
}

func TestRevokeIssuance(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	signedIssuances(env, 0, 4)
	signedIssuances(env, 1, 2)
	at := env.Clock.Now()
	env.Write(func(tx chancery.Tx) error {
		for i, serial := range []string{"0001", "0000", "0001"} { // the last one again
			if err := tx.RevokeIssuance(serial, at.Add(time.Duration(i)*time.Second), chancery.Reason(i+3)); err != nil {
				return err
			}
		}
		for _, serial := range []string{"0003", "ff"} {
			if err := tx.RevokeIssuance(serial, at, 0); !errors.Is(err, chancery.ErrNotFound) {
				t.Errorf("%s, which was never signed: %v", serial, err)
			}
		}
		return nil
	})
	env.Read(func(tx chancery.Tx) error {
		revoked, err := tx.RevokedIssuances(authorityID, 0, at)
		if err != nil || len(revoked) != 2 || revoked[0].Serial != "0001" || !revoked[0].RevokedAt.Equal(at) || revoked[0].Reason != 3 || revoked[1].Serial != "0000" {
			t.Errorf("revoked: %+v, %v", revoked, err)
		}
		if late, err := tx.RevokedIssuances(authorityID, 0, at.Add(2*time.Hour)); err != nil || len(late) != 0 {
			t.Errorf("ended: %+v, %v", late, err)
		}
		first, err := tx.CRL(authorityID, 0)
		if err != nil || first.Issued != 4 || first.Revoked != 2 || first.Number != 0 {
			t.Errorf("the first CRL: %+v, %v", first, err)
		}
		newest, err := tx.NewestCRL(authorityID)
		if err != nil || newest.Partition != 1 || newest.Issued != 2 || newest.Revoked != 0 {
			t.Errorf("the newest CRL: %+v, %v", newest, err)
		}
		if _, err := tx.CRL(authorityID, 2); !errors.Is(err, chancery.ErrNotFound) {
			t.Errorf("a CRL that there is not: %v", err)
		}
		return err
	})
	env.SQL("DELETE FROM crls WHERE authority_id = $1", authorityID)
	env.SQL("DELETE FROM issuances WHERE authority_id = $1", authorityID)
	env.SQL("DELETE FROM authorities WHERE id = $1", authorityID)
}

// TestPutCRL has two nodes make the same number: one of them stores it.
func TestPutCRL(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	authority := func() (id string) {
		env.Read(func(tx chancery.Tx) error {
			all, err := tx.Authorities()
			id = all[0].ID
			return err
		})
		return id
	}()
	put := func(number int64) error {
		return env.Store.Write(context.Background(), func(tx chancery.Tx) error {
			return tx.PutCRL(chancery.CRL{AuthorityID: authority, Number: number, DER: []byte{1}, Partial: true, ThisUpdate: env.Clock.Now(), NextUpdate: env.Clock.Now()})
		})
	}
	for i, want := range []error{nil, chancery.ErrConflict, nil, chancery.ErrConflict} {
		if err := put([]int64{1, 1, 2, 4}[i]); !errors.Is(err, want) {
			t.Errorf("put %d: %v, not %v", i, err, want)
		}
	}
	env.Read(func(tx chancery.Tx) error {
		crl, err := tx.CRL(authority, 0)
		if crl.Number != 2 || !crl.Partial || len(crl.DER) != 1 {
			t.Errorf("stored: %+v", crl)
		}
		return err
	})
	env.SQL("DELETE FROM crls WHERE der IS NOT NULL")
}
