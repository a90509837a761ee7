package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// AccessKey is an access key as the command line shows it; Secret is there only
// in the answer that makes the key.
type AccessKey struct {
	ID        string             `json:"accessKeyId"`
	Secret    string             `json:"accessKeySecret,omitempty"`
	AccountID chancery.AccountID `json:"accountId"`
	User      string             `json:"user,omitempty"` // absent: the account's own
	Disabled  bool               `json:"disabled"`
	CreatedAt time.Time          `json:"createdAt"`
}

// NewAccessKey asks for an access key of a user, or of the account itself without
// one; ID and Secret take over an existing pair.
type NewAccessKey struct {
	AccountID chancery.AccountID `json:"accountId"`
	ID        string             `json:"accessKeyId,omitempty"`
	Secret    string             `json:"accessKeySecret,omitempty"`
	User      string             `json:"user,omitempty"`
}

// AccessKeyName names an access key of an account.
type AccessKeyName struct {
	AccountID chancery.AccountID `json:"accountId"`
	ID        string             `json:"accessKeyId"`
}

// CreateAccessKey makes a key for an account or a user, or takes over a pair that clients
// already have.
func (a *Admin) CreateAccessKey(ctx context.Context, in NewAccessKey) (AccessKey, error) {
	key := chancery.NewAccessKey(in.AccountID, a.Clock.Now())
	if in.ID != "" || in.Secret != "" {
		key.ID, key.Secret = in.ID, chancery.NewSecret([]byte(in.Secret))
		if err := chancery.CheckAccessKey(key.ID, key.Secret); err != nil {
			return AccessKey{}, words(err)
		}
	}
	err := a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if key.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if in.User != "" {
			user, err := theUser(tx, key.AccountID, in.User)
			if err != nil {
				return err
			}
			key.UserID = user.ID
		}
		if err := tx.AddAccessKey(key); err != nil {
			return err
		}
		return a.record(tx, key.AccountID, "CreateAccessKey", "accesskey/"+key.ID)
	})
	if errors.Is(err, chancery.ErrConflict) {
		return AccessKey{}, fmt.Errorf("the access key id %s is in use already", key.ID)
	}
	if err != nil {
		return AccessKey{}, err
	}
	return AccessKey{ID: key.ID, Secret: string(key.Secret.Reveal()), AccountID: key.AccountID, User: in.User, CreatedAt: key.CreatedAt}, nil
}

// ListAccessKeys lists the keys of an account and its users without their secrets.
func (a *Admin) ListAccessKeys(ctx context.Context, in AccountName) (list []AccessKey, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		names, err := userNames(tx, account)
		if err != nil {
			return err
		}
		keys, err := tx.AccessKeys(account)
		list = make([]AccessKey, len(keys))
		for i, key := range keys {
			list[i] = AccessKey{ID: key.ID, AccountID: key.AccountID, User: names[key.UserID], Disabled: key.Disabled, CreatedAt: key.CreatedAt}
		}
		return err
	})
	return list, err
}

// DisableAccessKey ends the use of a key, from the next request on.
func (a *Admin) DisableAccessKey(ctx context.Context, in AccessKeyName) (Nothing, error) {
	err := a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		if err := tx.DisableAccessKey(account, in.ID); err != nil {
			return err
		}
		return a.record(tx, account, "DisableAccessKey", "accesskey/"+in.ID)
	})
	if errors.Is(err, chancery.ErrNotFound) {
		err = fmt.Errorf("the account has no access key %s", in.ID)
	}
	return Nothing{}, err
}
