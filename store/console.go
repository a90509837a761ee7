package store

import (
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

const consolePasswordTable = "console_passwords"

func (t *tx) SetOperator(account chancery.AccountID, operator bool) error {
	rows, err := t.sql.SetOperator(t.ctx, query.SetOperatorParams{ID: int64(account), Operator: toFlag(operator)})
	return changed("saying who operates", rows, err, chancery.ErrNotFound)
}

func (t *tx) ConsoleLogin(account chancery.AccountID, user int64) (chancery.ConsoleLogin, error) {
	row, err := t.sql.ConsolePassword(t.ctx, query.ConsolePasswordParams{AccountID: int64(account), UserID: user})
	if err != nil {
		return chancery.ConsoleLogin{}, found("reading a console password", err)
	}
	login := chancery.ConsoleLogin{
		AccountID: account, UserID: user, Hash: row.Hash, ChangedAt: fromMillis(row.ChangedAt), TOTPStep: row.TotpStep,
	}
	login.TOTP, err = t.open(row.Totp, consolePasswordTable, account, user)
	return login, err
}

func (t *tx) PutConsoleLogin(l chancery.ConsoleLogin) error {
	if err := t.has(l.AccountID, chancery.UserPrincipal, l.UserID); err != nil {
		return err
	}
	sealed, err := t.seal(l.TOTP, consolePasswordTable, l.AccountID, l.UserID)
	if err != nil {
		return err
	}
	err = t.sql.PutConsolePassword(t.ctx, query.PutConsolePasswordParams{
		UserID: l.UserID, AccountID: int64(l.AccountID), Hash: l.Hash, ChangedAt: toMillis(l.ChangedAt), Totp: sealed, TotpStep: l.TOTPStep,
	})
	return wrapped("writing a console password", err)
}

func (t *tx) DeleteConsoleLogin(account chancery.AccountID, user int64) error {
	err := t.sql.DeleteConsolePassword(t.ctx, query.DeleteConsolePasswordParams{AccountID: int64(account), UserID: user})
	return wrapped("removing a console password", err)
}

func (t *tx) UseConsoleCode(account chancery.AccountID, user, step int64) error {
	rows, err := t.sql.UseConsoleCode(t.ctx, query.UseConsoleCodeParams{AccountID: int64(account), UserID: user, Step: step})
	return changed("using a code", rows, err, chancery.ErrConflict)
}

func (t *tx) AddConsoleSession(s chancery.ConsoleSession) error {
	return wrapped("adding a console session", t.sql.AddConsoleSession(t.ctx, query.AddConsoleSessionParams{
		IDHash: s.IDHash, AccountID: int64(s.AccountID), UserID: s.UserID, AccessKeyID: s.AccessKeyID, Pending: toFlag(s.Pending),
		Address: s.Address, Agent: s.Agent, CreatedAt: toMillis(s.CreatedAt), SeenAt: toMillis(s.SeenAt), ExpiresAt: toMillis(s.ExpiresAt),
	}))
}

func (t *tx) ConsoleSession(idHash []byte) (chancery.ConsoleSession, error) {
	row, err := t.sql.ConsoleSession(t.ctx, idHash)
	return consoleSessionOf(row), found("reading a console session", err)
}

func (t *tx) ConsoleSessions(account chancery.AccountID) ([]chancery.ConsoleSession, error) {
	rows, err := t.sql.ConsoleSessions(t.ctx, int64(account))
	return each(rows, consoleSessionOf), wrapped("listing console sessions", err)
}

func consoleSessionOf(row query.ConsoleSession) chancery.ConsoleSession {
	return chancery.ConsoleSession{
		IDHash: row.IDHash, AccountID: chancery.AccountID(row.AccountID), UserID: row.UserID, AccessKeyID: row.AccessKeyID,
		Pending: row.Pending != 0, Address: row.Address, Agent: row.Agent,
		CreatedAt: fromMillis(row.CreatedAt), SeenAt: fromMillis(row.SeenAt), ExpiresAt: fromMillis(row.ExpiresAt),
	}
}

func (t *tx) SeeConsoleSession(idHash []byte, at time.Time) error {
	return wrapped("keeping a console session", t.sql.SeeConsoleSession(t.ctx, query.SeeConsoleSessionParams{IDHash: idHash, SeenAt: toMillis(at)}))
}

func (t *tx) DeleteConsoleSession(account chancery.AccountID, idHash []byte) error {
	rows, err := t.sql.DeleteConsoleSession(t.ctx, query.DeleteConsoleSessionParams{AccountID: int64(account), IDHash: idHash})
	return changed("ending a console session", rows, err, chancery.ErrNotFound)
}

func (t *tx) DeleteConsoleSessions(account chancery.AccountID, user int64) error {
	err := t.sql.DeleteUserConsoleSessions(t.ctx, query.DeleteUserConsoleSessionsParams{AccountID: int64(account), UserID: user})
	return wrapped("ending console sessions", err)
}

func (t *tx) AddConsoleLink(l chancery.ConsoleLink) error {
	return wrapped("adding a console link", t.sql.AddConsoleLink(t.ctx, query.AddConsoleLinkParams{
		TokenHash: l.TokenHash, AccountID: int64(l.AccountID), AccessKeyID: l.AccessKeyID, ExpiresAt: toMillis(l.ExpiresAt),
	}))
}

func (t *tx) TakeConsoleLink(tokenHash []byte) (chancery.ConsoleLink, error) {
	row, err := t.sql.TakeConsoleLink(t.ctx, tokenHash)
	return chancery.ConsoleLink{
		TokenHash: tokenHash, AccountID: chancery.AccountID(row.AccountID), AccessKeyID: row.AccessKeyID, ExpiresAt: fromMillis(row.ExpiresAt),
	}, found("using a console link", err)
}

func (t *tx) CountAttempt(subject []byte, now, until time.Time) (int64, time.Time, error) {
	row, err := t.sql.CountConsoleAttempt(t.ctx, query.CountConsoleAttemptParams{Subject: subject, Now: toMillis(now), Until: toMillis(until)})
	return row.Failures, fromMillis(row.Until), wrapped("counting an attempt to sign in", err)
}

func (t *tx) ForgiveAttempt(subject []byte) error {
	return wrapped("forgiving an attempt to sign in", t.sql.ForgiveConsoleAttempt(t.ctx, subject))
}

func (t *tx) ForgetAttempts(subject []byte) error {
	return wrapped("forgetting attempts to sign in", t.sql.ForgetConsoleAttempts(t.ctx, subject))
}

func (t *tx) SweepConsole(now, idle time.Time) error {
	if err := t.sql.ForgetOldConsoleSessions(t.ctx, query.ForgetOldConsoleSessionsParams{Now: toMillis(now), Idle: toMillis(idle)}); err != nil {
		return fmt.Errorf("sweeping console sessions: %w", err)
	}
	if err := t.sql.ForgetOldConsoleLinks(t.ctx, toMillis(now)); err != nil {
		return fmt.Errorf("sweeping console links: %w", err)
	}
	return wrapped("sweeping attempts to sign in", t.sql.ForgetOldConsoleAttempts(t.ctx, toMillis(now)))
}

func (t *tx) Endings(account chancery.AccountID, first, last time.Time) (map[int]int64, error) {
	rows, err := t.sql.CountEndings(t.ctx, query.CountEndingsParams{AccountID: int64(account), First: toMillis(first), Last: toMillis(last)})
	days := map[int]int64{}
	for _, row := range rows {
		days[int(row.EndingDay)] = row.Entries
	}
	return days, wrapped("counting certificates by when they end", err)
}

// wrapped says what was being done when there is an error.
func wrapped(doing string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
