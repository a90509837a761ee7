package store

import (
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

const sessionTable = "sessions"

func (t *tx) AddSession(s chancery.Session) error {
	sealed, err := t.seal(s.Secret, sessionTable, s.AccountID, s.AccessKeyID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddSession(t.ctx, query.AddSessionParams{
		AccessKeyID: s.AccessKeyID, AccountID: int64(s.AccountID), RoleID: s.RoleID, Name: s.Name, Secret: sealed,
		TokenHash: s.TokenHash, Policy: s.Policy, Source: s.Source, CreatedAt: toMillis(s.CreatedAt), ExpiresAt: toMillis(s.ExpiresAt),
	})
	return changed("adding a session", rows, err, chancery.ErrConflict)
}

func (t *tx) Session(accessKeyID string) (chancery.Session, error) {
	row, err := t.sql.Session(t.ctx, accessKeyID)
	if err != nil {
		return chancery.Session{}, found("reading a session", err)
	}
	session := sessionOf(row)
	session.Secret, err = t.open(row.Secret, sessionTable, session.AccountID, session.AccessKeyID)
	return session, err
}

func sessionOf(row query.Session) chancery.Session {
	return chancery.Session{
		AccessKeyID: row.AccessKeyID, AccountID: chancery.AccountID(row.AccountID), RoleID: row.RoleID, Name: row.Name,
		TokenHash: row.TokenHash, Policy: row.Policy, Source: row.Source,
		CreatedAt: fromMillis(row.CreatedAt), ExpiresAt: fromMillis(row.ExpiresAt), RevokedAt: fromMillis(row.RevokedAt),
	}
}

func (t *tx) Sessions(account chancery.AccountID, now time.Time) ([]chancery.Session, error) {
	rows, err := t.sql.Sessions(t.ctx, query.SessionsParams{AccountID: int64(account), Now: toMillis(now)})
	if err != nil {
		return nil, fmt.Errorf("listing sessions: %w", err)
	}
	return each(rows, sessionOf), nil
}

func (t *tx) RevokeSession(account chancery.AccountID, accessKeyID string, now time.Time) error {
	rows, err := t.sql.RevokeSession(t.ctx, query.RevokeSessionParams{AccountID: int64(account), AccessKeyID: accessKeyID, Now: toMillis(now)})
	return changed("revoking a session", rows, err, chancery.ErrNotFound)
}

func (t *tx) RevokeSessions(account chancery.AccountID, role int64, now time.Time) (int64, error) {
	rows, err := t.sql.RevokeRoleSessions(t.ctx, query.RevokeRoleSessionsParams{AccountID: int64(account), RoleID: role, Now: toMillis(now)})
	if err != nil {
		return 0, fmt.Errorf("revoking the sessions of a role: %w", err)
	}
	return rows, nil
}

func (t *tx) ForgetSessions(before time.Time) error {
	if err := t.sql.ForgetSessions(t.ctx, toMillis(before)); err != nil {
		return fmt.Errorf("forgetting expired sessions: %w", err)
	}
	return nil
}
