package storetest

import (
	"testing"
	"time"

	"chancery"
)

var sessions = []promise{
	{"a session comes back with its secret to authentication and without it in lists", func(t *testing.T, s chancery.Store) {
		session := addSession(t, s, addRole(t, s, newAccount(t, s), "deployer"))
		same(t, "the session", answer(t, s, sessionOf(session)), session)
		session.Secret = chancery.Secret{}
		same(t, "the list", answer(t, s, sessionsOf(session.AccountID, start)), []chancery.Session{session})
	}},
	{"a session's id is taken once, also by another account", func(t *testing.T, s chancery.Store) {
		session := addSession(t, s, addRole(t, s, newAccount(t, s), "deployer"))
		other := draftSession(addRole(t, s, newAccount(t, s), "deployer"), start)
		other.AccessKeyID = session.AccessKeyID
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddSession(other) })
		same(t, "the session", answer(t, s, sessionOf(session)), session)
	}},
	{"an unknown session is not found", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		missing(t, s, sessionOf(chancery.Session{AccessKeyID: "STS.nobody"}))
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.RevokeSession(account, "STS.nobody", start) })
	}},
	{"sessions are listed newest first until they expire", func(t *testing.T, s chancery.Store) {
		role := addRole(t, s, newAccount(t, s), "deployer")
		first, second := addSessionAt(t, s, role, start), addSessionAt(t, s, role, at(1))
		first.Secret, second.Secret = chancery.Secret{}, chancery.Secret{}
		list := func(now time.Time, want ...chancery.Session) {
			t.Helper()
			same(t, "the sessions", answer(t, s, sessionsOf(role.AccountID, now)), append([]chancery.Session{}, want...))
		}
		list(at(59), second, first)
		list(at(60), second)
		list(at(61))
	}},
	{"a session is revoked once", func(t *testing.T, s chancery.Store) {
		session := addSession(t, s, addRole(t, s, newAccount(t, s), "deployer"))
		for _, minute := range []int{5, 6} { // the first time stays
			write(t, s, func(tx chancery.Tx) error {
				return tx.RevokeSession(session.AccountID, session.AccessKeyID, at(minute))
			})
		}
		session.RevokedAt = at(5)
		same(t, "the session", answer(t, s, sessionOf(session)), session)
	}},
	{"all open sessions of a role are revoked at once, and counted", theSessionsOfARoleAreRevoked},
	{"sessions are forgotten after they expired and not before", func(t *testing.T, s chancery.Store) {
		session := addSession(t, s, addRole(t, s, newAccount(t, s), "deployer"))
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetSessions(session.ExpiresAt) })
		answer(t, s, sessionOf(session))
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetSessions(session.ExpiresAt.Add(time.Millisecond)) })
		missing(t, s, sessionOf(session))
	}},
}

// draftSession lasts an hour.
func draftSession(role chancery.Role, now time.Time) chancery.Session {
	session, _ := chancery.NewSession(role, now)
	session.Name, session.Policy, session.Source, session.ExpiresAt = "nightly", `{"Version":"1"}`, "acs:ram::1:user/ada", now.Add(time.Hour)
	return session
}

func addSession(t *testing.T, s chancery.Store, role chancery.Role) chancery.Session {
	t.Helper()
	return addSessionAt(t, s, role, start)
}

func addSessionAt(t *testing.T, s chancery.Store, role chancery.Role, now time.Time) chancery.Session {
	t.Helper()
	session := draftSession(role, now)
	write(t, s, func(tx chancery.Tx) error { return tx.AddSession(session) })
	return session
}

func sessionOf(session chancery.Session) func(chancery.Tx) (chancery.Session, error) {
	return func(tx chancery.Tx) (chancery.Session, error) { return tx.Session(session.AccessKeyID) }
}

func sessionsOf(account chancery.AccountID, now time.Time) func(chancery.Tx) ([]chancery.Session, error) {
	return func(tx chancery.Tx) ([]chancery.Session, error) { return tx.Sessions(account, now) }
}

func theSessionsOfARoleAreRevoked(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	role, other := addRole(t, s, account, "deployer"), addRole(t, s, account, "reader")
	expired, revoked, open, untouched := addSession(t, s, role), addSessionAt(t, s, role, at(30)), addSessionAt(t, s, role, at(30)), addSessionAt(t, s, other, at(30))
	write(t, s, func(tx chancery.Tx) error { return tx.RevokeSession(account, revoked.AccessKeyID, at(31)) })
	var n int64
	write(t, s, func(tx chancery.Tx) (err error) {
		n, err = tx.RevokeSessions(account, role.ID, at(60))
		return err
	})
	if n != 1 {
		t.Errorf("%d open sessions were revoked, want 1", n)
	}
	for _, c := range []struct {
		what      string
		session   chancery.Session
		revokedAt time.Time
	}{{"expired", expired, time.Time{}}, {"revoked before", revoked, at(31)}, {"open", open, at(60)}, {"another role's", untouched, time.Time{}}} {
		c.session.RevokedAt = c.revokedAt
		same(t, "the session that was "+c.what, answer(t, s, sessionOf(c.session)), c.session)
	}
}
