package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/keyring"
	"chancery/store"
)

// Keyring tells what secrets are sealed with, without any key.
type Keyring struct {
	Keys []SealingKey `json:"keys"` // the oldest first
	// Unknown counts values that are sealed with none of the keys: damaged ones.
	Unknown int64 `json:"unknown,omitempty"`
	// Resealing: values are being sealed anew after the last rotation.
	Resealing bool   `json:"resealing"`
	Left      int64  `json:"left"` // how many are sealed with an older key
	Attempts  int64  `json:"attempts,omitempty"`
	Problem   string `json:"problem,omitempty"` // why the last attempt failed
}

// SealingKey is one key of the keyring.
type SealingKey struct {
	ID        string     `json:"id"`
	Primary   bool       `json:"primary"`
	AddedAt   *time.Time `json:"addedAt,omitempty"`   // absent: before this was kept
	RetiredAt *time.Time `json:"retiredAt,omitempty"` // absent: it is the primary
	Values    int64      `json:"values"`              // how many are sealed with it
}

// RotatedKeyring is what a rotation did.
type RotatedKeyring struct {
	Fresh   string   `json:"fresh"`
	Dropped []string `json:"dropped,omitempty"`
}

// NewKEK is another key-encryption key, as the line of its file.
type NewKEK struct {
	Key string `json:"key"`
}

// KeyringStatus counts the sealed values by their keys.
func (a *Admin) KeyringStatus(ctx context.Context, _ Nothing) (Keyring, error) {
	status, err := a.Store.Keyring(ctx)
	if err != nil {
		return Keyring{}, err
	}
	shown := Keyring{Keys: []SealingKey{}, Unknown: status.Unknown, Resealing: status.Resealing != nil}
	for _, key := range status.Keys {
		k := SealingKey{ID: key.ID.String(), Primary: key.RetiredAt.IsZero(), Values: key.Values}
		if !key.AddedAt.IsZero() {
			k.AddedAt = &key.AddedAt
		}
		if !k.Primary {
			k.RetiredAt = &key.RetiredAt
			shown.Left += key.Values
		}
		shown.Keys = append(shown.Keys, k)
	}
	if step := status.Resealing; step != nil {
		shown.Attempts, shown.Problem = step.Attempts, step.LastError
	}
	return shown, nil
}

// RotateKeyring puts a fresh key into the keyring and has every value sealed anew.
func (a *Admin) RotateKeyring(ctx context.Context, _ Nothing) (RotatedKeyring, error) {
	fresh, dropped, err := a.Store.RotateKeyring(ctx, a.Clock.Now())
	if errors.Is(err, store.ErrResealing) {
		return RotatedKeyring{}, fmt.Errorf("%w; `chancery keyring status` shows how far it is", err)
	}
	if err != nil {
		return RotatedKeyring{}, err
	}
	if a.Wake != nil {
		a.Wake()
	}
	done := RotatedKeyring{Fresh: fresh.String()}
	for _, key := range dropped {
		done.Dropped = append(done.Dropped, key.String())
	}
	return done, a.recordEverywhere(ctx, "RotateKeyring", "key/"+done.Fresh)
}

// RewrapKeyring wraps the keyring with another key-encryption key.
func (a *Admin) RewrapKeyring(ctx context.Context, in NewKEK) (Nothing, error) {
	kek, err := keyring.ParseKey(in.Key)
	if err != nil {
		return Nothing{}, fmt.Errorf("the new key-encryption key %w", err)
	}
	if err := a.Store.RewrapKeyring(ctx, kek); err != nil {
		return Nothing{}, err
	}
	return Nothing{}, a.recordEverywhere(ctx, "RewrapKeyring", "")
}

// recordEverywhere writes what the operator did to all secrets, and so to all accounts,
// into each account's audit log: some at a time, so that others write in between.
func (a *Admin) recordEverywhere(ctx context.Context, action, resource string) error {
	const some = 50
	var accounts []chancery.Account
	err := a.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		accounts, err = tx.Accounts()
		return err
	})
	for len(accounts) > 0 && err == nil {
		batch := accounts[:min(some, len(accounts))]
		accounts = accounts[len(batch):]
		err = a.Store.Write(ctx, func(tx chancery.Tx) error {
			for _, account := range batch {
				if err := a.record(tx, account.ID, action, resource); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("it was done, but is not in every audit log: %w", err)
	}
	return nil
}
