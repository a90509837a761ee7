package storetest

import (
	"testing"
	"time"

	"chancery"
)

var console = []promise{
	{"a login comes back whole, and writing it again changes it", func(t *testing.T, s chancery.Store) {
		login := addLogin(t, s, addUser(t, s, newAccount(t, s), "ada"))
		same(t, "the login", answer(t, s, loginOf(login)), login)
		login.Hash, login.TOTP = "", chancery.Secret{}
		write(t, s, func(tx chancery.Tx) error { return tx.PutConsoleLogin(login) })
		same(t, "the login", answer(t, s, loginOf(login)), login)
	}},
	{"a code is used once, and none of an earlier step after it", func(t *testing.T, s chancery.Store) {
		login := addLogin(t, s, addUser(t, s, newAccount(t, s), "ada"))
		use := func(step int64) func(chancery.Tx) error {
			return func(tx chancery.Tx) error { return tx.UseConsoleCode(login.AccountID, login.UserID, step) }
		}
		write(t, s, use(8))
		refused(t, s, chancery.ErrConflict, use(8))
		refused(t, s, chancery.ErrConflict, use(7))
		write(t, s, use(9))
	}},
	{"a session is found by its hash until it is ended", func(t *testing.T, s chancery.Store) {
		session := draftConsoleSession(addUser(t, s, newAccount(t, s), "ada"))
		write(t, s, func(tx chancery.Tx) error { return tx.AddConsoleSession(session) })
		same(t, "the session", answer(t, s, signedIn(session)), session)
		write(t, s, func(tx chancery.Tx) error { return tx.SeeConsoleSession(session.IDHash, at(3)) })
		session.SeenAt = at(3)
		same(t, "the session", answer(t, s, signedIn(session)), session)
		end := func(tx chancery.Tx) error { return tx.DeleteConsoleSession(session.AccountID, session.IDHash) }
		write(t, s, end)
		missing(t, s, signedIn(session))
		refused(t, s, chancery.ErrNotFound, end)
	}},
	{"deleting a user ends the user's login and sessions", func(t *testing.T, s chancery.Store) {
		user := addUser(t, s, newAccount(t, s), "ada")
		login, session := addLogin(t, s, user), draftConsoleSession(user)
		write(t, s, func(tx chancery.Tx) error { return tx.AddConsoleSession(session) })
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteUser(user.AccountID, user.ID) })
		missing(t, s, loginOf(login))
		missing(t, s, signedIn(session))
	}},
	{"sweeping removes sessions that ended or stood idle, and no others", func(t *testing.T, s chancery.Store) {
		session := draftConsoleSession(addUser(t, s, newAccount(t, s), "ada"))
		write(t, s, func(tx chancery.Tx) error { return tx.AddConsoleSession(session) })
		write(t, s, func(tx chancery.Tx) error { return tx.SweepConsole(at(59), start.Add(-time.Minute)) })
		answer(t, s, signedIn(session))
		write(t, s, func(tx chancery.Tx) error { return tx.SweepConsole(at(59), start) })
		missing(t, s, signedIn(session))
	}},
	{"a link is taken once", func(t *testing.T, s chancery.Store) {
		_, hash := chancery.NewConsoleToken()
		link := chancery.ConsoleLink{TokenHash: hash, AccountID: newAccount(t, s), AccessKeyID: "CHANx", ExpiresAt: at(10)}
		write(t, s, func(tx chancery.Tx) error { return tx.AddConsoleLink(link) })
		take := func(tx chancery.Tx) error {
			got, err := tx.TakeConsoleLink(hash)
			if err == nil {
				same(t, "the link", got, link)
			}
			return err
		}
		write(t, s, take)
		refused(t, s, chancery.ErrNotFound, take)
	}},
	{"attempts are counted until their time is over, and can be taken back", func(t *testing.T, s chancery.Store) {
		count := func(now time.Time, want int64, forgotten time.Time) {
			t.Helper()
			write(t, s, func(tx chancery.Tx) error {
				got, until, err := tx.CountAttempt([]byte("ada"), now, now.Add(10*time.Minute))
				same(t, "the attempts", got, want)
				same(t, "when they are forgotten", until, forgotten)
				return err
			})
		}
		count(at(0), 1, at(10))
		count(at(5), 2, at(10))
		write(t, s, func(tx chancery.Tx) error { return tx.ForgiveAttempt([]byte("ada")) })
		count(at(9), 2, at(10))
		count(at(10), 1, at(20))
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetAttempts([]byte("ada")) })
		count(at(11), 1, at(21))
	}},
	{"an account is the operator's when somebody says so", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		for _, operator := range []bool{true, false} {
			write(t, s, func(tx chancery.Tx) error { return tx.SetOperator(account, operator) })
			got := answer(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account) })
			same(t, "operator", got.Operator, operator)
		}
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.SetOperator(404, true) })
	}},
}

func addLogin(t *testing.T, s chancery.Store, user chancery.User) chancery.ConsoleLogin {
	t.Helper()
	login := chancery.ConsoleLogin{
		AccountID: user.AccountID, UserID: user.ID, Hash: "$argon2id$", ChangedAt: start, TOTP: chancery.NewSecret([]byte("of an authenticator")), TOTPStep: 7,
	}
	write(t, s, func(tx chancery.Tx) error { return tx.PutConsoleLogin(login) })
	return login
}

func loginOf(l chancery.ConsoleLogin) func(chancery.Tx) (chancery.ConsoleLogin, error) {
	return func(tx chancery.Tx) (chancery.ConsoleLogin, error) { return tx.ConsoleLogin(l.AccountID, l.UserID) }
}

// draftConsoleSession lasts an hour.
func draftConsoleSession(user chancery.User) chancery.ConsoleSession {
	_, hash := chancery.NewConsoleToken()
	return chancery.ConsoleSession{
		IDHash: hash, AccountID: user.AccountID, UserID: user.ID, AccessKeyID: "CHANx", Address: "192.0.2.1", Agent: "a browser",
		CreatedAt: start, SeenAt: start, ExpiresAt: at(60),
	}
}

func signedIn(session chancery.ConsoleSession) func(chancery.Tx) (chancery.ConsoleSession, error) {
	return func(tx chancery.Tx) (chancery.ConsoleSession, error) { return tx.ConsoleSession(session.IDHash) }
}
