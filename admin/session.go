package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancery"
)

// Session is the use of a role as the command line shows it.
type Session struct {
	AccessKeyID string             `json:"accessKeyId"`
	AccountID   chancery.AccountID `json:"accountId"`
	Role        string             `json:"role"`
	Name        string             `json:"name"`
	Source      string             `json:"source"` // who assumed the role
	Narrowed    bool               `json:"narrowed"`
	CreatedAt   time.Time          `json:"createdAt"`
	ExpiresAt   time.Time          `json:"expiresAt"`
	RevokedAt   *time.Time         `json:"revokedAt,omitempty"`
}

// ListSessions lists an account's sessions that have not expired, newest first.
func (a *Admin) ListSessions(ctx context.Context, in AccountName) (list []Session, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		list, err = a.sessions(tx, account)
		return err
	})
	return list, err
}

func (a *Admin) sessions(tx chancery.Tx, account chancery.AccountID) ([]Session, error) {
	has, err := holdersIn(tx, account)
	if err != nil {
		return nil, err
	}
	sessions, err := tx.Sessions(account, a.Clock.Now())
	list := make([]Session, len(sessions))
	for i, s := range sessions {
		list[i] = Session{
			AccessKeyID: s.AccessKeyID, AccountID: account, Role: has.names[chancery.RolePrincipal][s.RoleID], Name: s.Name,
			Source: s.Source, Narrowed: s.Policy != "", CreatedAt: s.CreatedAt, ExpiresAt: s.ExpiresAt,
		}
		if !s.RevokedAt.IsZero() {
			list[i].RevokedAt = &s.RevokedAt
		}
	}
	return list, err
}

// RevokeSession ends one session, from the next request on.
func (a *Admin) RevokeSession(ctx context.Context, in AccessKeyName) (session Session, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		all, err := a.sessions(tx, account)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(all, func(s Session) bool { return s.AccessKeyID == in.ID })
		switch {
		case i < 0:
			return fmt.Errorf("there is no session %s in this account; `chancery session list` shows them", in.ID)
		case all[i].RevokedAt != nil:
			return fmt.Errorf("session %s was revoked already, at %s", in.ID, all[i].RevokedAt.UTC().Format(time.RFC3339))
		}
		now := a.Clock.Now()
		session, session.RevokedAt = all[i], &now
		if err := tx.RevokeSession(account, in.ID, now); err != nil {
			return err
		}
		return a.record(tx, account, "RevokeSession", "role/"+session.Role+"/session/"+in.ID)
	})
	return session, err
}
