package admin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/console/login"
)

// Operator says whether an account's principals may make the operator's calls from
// the console.
type Operator struct {
	AccountID chancery.AccountID `json:"accountId"`
	Operator  bool               `json:"operator"`
}

// SetOperator makes an account one whose principals operate the instance from the
// console, as far as their policies allow it, or makes it one like others.
func (a *Admin) SetOperator(ctx context.Context, in Operator) (account Account, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		id, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		if err := tx.SetOperator(id, in.Operator); err != nil {
			return err
		}
		now, err := tx.Account(id)
		if account = Account(now); err != nil {
			return err
		}
		action := "EndOperator"
		if in.Operator {
			action = "MakeOperator"
		}
		return a.record(tx, id, action, "")
	})
	return account, err
}

// Password is a user's password for the console, empty to remove it.
type Password struct {
	AccountID chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
	Password  string             `json:"password"`
}

// SetPassword sets or removes a user's password and ends the user's sessions.
func (a *Admin) SetPassword(ctx context.Context, in Password) (Nothing, error) {
	hash, action := "", "RemoveConsolePassword"
	if in.Password != "" {
		secret := chancery.NewSecret([]byte(in.Password))
		if err := login.CheckPassword(secret); err != nil {
			return Nothing{}, err
		}
		hash, action = login.Hash(secret), "SetConsolePassword"
	}
	return Nothing{}, a.changeLogin(ctx, in.AccountID, in.Name, action, func(l *chancery.ConsoleLogin) error {
		if hash == "" && l.Hash == "" {
			return fmt.Errorf("user %s has no console password", in.Name)
		}
		l.Hash = hash
		return nil
	})
}

// SecondFactor asks for a new second factor of a user, or has it removed.
type SecondFactor struct {
	AccountID chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
	Remove    bool               `json:"remove,omitempty"`
}

// NewFactor has what an authenticator reads, shown this once; empty when removed.
type NewFactor struct {
	URL string `json:"url,omitempty"`
}

// SetTOTP makes a new second factor, or removes it, and ends the user's sessions.
func (a *Admin) SetTOTP(ctx context.Context, in SecondFactor) (made NewFactor, err error) {
	secret, action := login.NewTOTP(), "SetConsoleSecondFactor"
	if in.Remove {
		secret, action = chancery.Secret{}, "RemoveConsoleSecondFactor"
	}
	err = a.changeLogin(ctx, in.AccountID, in.Name, action, func(l *chancery.ConsoleLogin) error {
		if l.TOTP, l.TOTPStep = secret, 0; !in.Remove {
			made.URL = login.TOTPURL(secret, l.AccountID, in.Name)
		}
		return nil
	})
	return made, err
}

// changeLogin changes what a user signs in with; who is signed in must do so anew.
func (a *Admin) changeLogin(ctx context.Context, account chancery.AccountID, name, action string, change func(*chancery.ConsoleLogin) error) error {
	return a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, account)
		if err != nil {
			return err
		}
		user, err := theUser(tx, account, name)
		if err != nil {
			return err
		}
		l, err := tx.ConsoleLogin(account, user.ID)
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		l.AccountID, l.UserID, l.ChangedAt = account, user.ID, a.Clock.Now()
		if err := change(&l); err != nil {
			return err
		}
		if err := cmp.Or(tx.PutConsoleLogin(l), tx.DeleteConsoleSessions(account, user.ID)); err != nil {
			return err
		}
		return a.record(tx, account, action, "user/"+name)
	})
}

// ConsoleSession is somebody signed in to the console, as the command line shows it.
type ConsoleSession struct {
	ID          string             `json:"id"` // the beginning of its hash
	AccountID   chancery.AccountID `json:"accountId"`
	Who         string             `json:"who"`
	AccessKeyID string             `json:"accessKeyId,omitempty"` // absent: signed in with a password
	Address     string             `json:"address"`
	Agent       string             `json:"agent"`
	CreatedAt   time.Time          `json:"createdAt"`
	SeenAt      time.Time          `json:"seenAt"`
	ExpiresAt   time.Time          `json:"expiresAt"`
}

// ListConsoleSessions lists who is signed in to an account, newest first.
func (a *Admin) ListConsoleSessions(ctx context.Context, in AccountName) (list []ConsoleSession, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		list, err = a.consoleSessions(tx, account)
		return err
	})
	return list, err
}

// shownID is how much of a session's hash names it.
const shownID = 8

func (a *Admin) consoleSessions(tx chancery.Tx, account chancery.AccountID) ([]ConsoleSession, error) {
	names, err := userNames(tx, account)
	if err != nil {
		return nil, err
	}
	all, err := tx.ConsoleSessions(account)
	list := []ConsoleSession{}
	for _, s := range all {
		if s.Pending || s.Over(a.Clock.Now()) {
			continue
		}
		list = append(list, ConsoleSession{
			ID: hex.EncodeToString(s.IDHash)[:2*shownID], AccountID: account, Who: cmp.Or(names[s.UserID], "root"), AccessKeyID: s.AccessKeyID,
			Address: s.Address, Agent: s.Agent, CreatedAt: s.CreatedAt, SeenAt: s.SeenAt, ExpiresAt: s.ExpiresAt,
		})
	}
	return list, err
}

// SignOut ends sessions of the console: the one that ID names, else all of User, which
// may be "root" for the account itself.
type SignOut struct {
	AccountID chancery.AccountID `json:"accountId"`
	ID        string             `json:"id,omitempty"`
	User      string             `json:"user,omitempty"`
}

// SignOut ends sessions of the console, from the next request on, and tells which.
func (a *Admin) SignOut(ctx context.Context, in SignOut) (ended []ConsoleSession, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		shown, err := a.consoleSessions(tx, account)
		if err != nil {
			return err
		}
		all, err := tx.ConsoleSessions(account)
		if err != nil {
			return err
		}
		ended = []ConsoleSession{}
		for _, s := range shown {
			if in.ID != s.ID && (in.ID != "" || in.User != s.Who) {
				continue
			}
			for _, row := range all {
				hash, _ := hex.DecodeString(s.ID)
				if bytes.HasPrefix(row.IDHash, hash) {
					if err := tx.DeleteConsoleSession(account, row.IDHash); err != nil {
						return err
					}
				}
			}
			ended = append(ended, s)
			if err := a.record(tx, account, "SignOut", "consolesession/"+s.ID); err != nil {
				return err
			}
		}
		if len(ended) == 0 {
			return errors.New("nobody is signed in under that name; `chancery console sessions` shows who is")
		}
		return nil
	})
	return ended, err
}

// ConsoleLink is a link that signs in once, told this once.
type ConsoleLink struct {
	URL         string    `json:"url"`
	AccessKeyID string    `json:"accessKeyId"`
	ExpiresAt   time.Time `json:"expiresAt"`
}

// NewConsoleLink makes a link that signs in, once and within ten minutes, as the
// principal of an access key; without one, of the account's own oldest that is enabled.
func (a *Admin) NewConsoleLink(ctx context.Context, in AccessKeyName) (made ConsoleLink, err error) {
	token, hash := chancery.NewConsoleToken()
	link := chancery.ConsoleLink{TokenHash: hash, ExpiresAt: a.Clock.Now().Add(chancery.ConsoleLinkLife)}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		if link.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if link.AccessKeyID, err = linkedKey(tx, link.AccountID, in.ID); err != nil {
			return err
		}
		if err := tx.AddConsoleLink(link); err != nil {
			return err
		}
		return a.record(tx, link.AccountID, "CreateConsoleLink", "accesskey/"+link.AccessKeyID)
	})
	if err != nil {
		return made, err
	}
	base := cmp.Or(a.ConsoleURL, "/console/")
	return ConsoleLink{URL: base + "welcome?token=" + token, AccessKeyID: link.AccessKeyID, ExpiresAt: link.ExpiresAt}, nil
}

func linkedKey(tx chancery.Tx, account chancery.AccountID, id string) (string, error) {
	keys, err := tx.AccessKeys(account)
	if err != nil {
		return "", err
	}
	for _, key := range keys {
		if !key.Disabled && (key.ID == id || id == "" && key.UserID == 0) {
			return key.ID, nil
		}
	}
	if id == "" {
		return "", errors.New("the account has no access key of its own that is enabled; `chancery accesskey create` makes one")
	}
	return "", fmt.Errorf("the account has no access key %s that is enabled", id)
}
