package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"chancery"
)

var accounts = []promise{
	{"an account comes back as it was added", func(t *testing.T, s chancery.Store) {
		want := chancery.Account{ID: 9_007_199_254_740_991, Name: "Größe & 会社 'x'\n", CreatedAt: start.Add(7 * time.Millisecond)}
		write(t, s, func(tx chancery.Tx) error { return tx.AddAccount(want) })
		same(t, "the account", answer(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(want.ID) }), want)
	}},
	{"an unknown account is not found", func(t *testing.T, s chancery.Store) {
		missing(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(404) })
	}},
	{"accounts are listed oldest first", func(t *testing.T, s chancery.Store) {
		want := []chancery.Account{{ID: 3, CreatedAt: at(1)}, {ID: 1, CreatedAt: at(2)}, {ID: 2, CreatedAt: at(3)}}
		write(t, s, func(tx chancery.Tx) error {
			for i := range want { // the newest is added first
				if err := tx.AddAccount(want[len(want)-1-i]); err != nil {
					return err
				}
			}
			return nil
		})
		same(t, "the accounts", answer(t, s, chancery.Tx.Accounts), want)
	}},
	{"an access key comes back with its secret to authentication and without it in lists", func(t *testing.T, s chancery.Store) {
		key := chancery.NewAccessKey(newAccount(t, s), start)
		write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
		same(t, "the key", answer(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(key.ID) }), key)
		listed := key
		listed.Secret = chancery.Secret{}
		same(t, "the list", answer(t, s, keysOf(key.AccountID)), []chancery.AccessKey{listed})
	}},
	{"an access key id is taken once, also by another account", func(t *testing.T, s chancery.Store) {
		key := chancery.NewAccessKey(newAccount(t, s), start)
		write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
		other := chancery.NewAccessKey(newAccount(t, s), at(1))
		other.ID = key.ID
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddAccessKey(other) })
		same(t, "the key", answer(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(key.ID) }), key)
	}},
	{"an unknown access key is not found", func(t *testing.T, s chancery.Store) {
		missing(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey("nobody") })
		account := newAccount(t, s)
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.DisableAccessKey(account, "nobody") })
	}},
	{"a disabled access key says so", func(t *testing.T, s chancery.Store) {
		key := chancery.NewAccessKey(newAccount(t, s), start)
		write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
		for range 2 { // disabling it again changes nothing and is no error
			write(t, s, func(tx chancery.Tx) error { return tx.DisableAccessKey(key.AccountID, key.ID) })
		}
		key.Disabled = true
		same(t, "the key", answer(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(key.ID) }), key)
		if listed := answer(t, s, keysOf(key.AccountID)); !listed[0].Disabled {
			t.Error("the list does not say so")
		}
	}},
	{"a nonce is used once by each access key", aNonceIsUsedOnce},
	{"the key that signs comes with whether it used the nonce", aSigningKeyKnowsItsNonces},
	{"a nonce that many use at once serves one of them", func(t *testing.T, s chancery.Store) {
		errs := atOnce(32, func(int) error {
			return s.Write(context.Background(), func(tx chancery.Tx) error { return tx.UseNonce("key", "nonce", at(30)) })
		})
		if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
			t.Errorf("%d used it", n)
		}
	}},
	{"a nonce is forgotten after its time and not before", func(t *testing.T, s chancery.Store) {
		use := func(tx chancery.Tx) error { return tx.UseNonce("key", "nonce", at(30)) }
		write(t, s, use)
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetNonces(at(30)) })
		refused(t, s, chancery.ErrConflict, use)
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetNonces(at(31)) })
		write(t, s, use)
	}},
	{"a submission is known until it runs out", aSubmissionRunsOut},
	{"a submission is written over", aSubmissionIsWrittenOver},
	{"submissions that ran out are removed, others stay", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		put(t, s, chancery.Submission{AccountID: account, Key: []byte("old"), ExpiresAt: at(5)})
		put(t, s, chancery.Submission{AccountID: account, Key: []byte("new"), ExpiresAt: at(7)})
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteSubmissionsBefore(at(6)) })
		missing(t, s, submission(account, "old", start)) // asked as of a time when it had not run out
		answer(t, s, submission(account, "new", start))
	}},
}

func keysOf(account chancery.AccountID) func(chancery.Tx) ([]chancery.AccessKey, error) {
	return func(tx chancery.Tx) ([]chancery.AccessKey, error) { return tx.AccessKeys(account) }
}

func aNonceIsUsedOnce(t *testing.T, s chancery.Store) {
	for _, use := range []struct {
		key, nonce string
		want       error
	}{
		{"key", "nonce", nil},
		{"key", "nonce", chancery.ErrConflict},
		{"key", "Nonce", nil},
		{"another key", "nonce", nil},
		{"another key", "nonce", chancery.ErrConflict},
	} {
		used := answer(t, s, func(tx chancery.Tx) (bool, error) { return tx.NonceUsed(use.key, use.nonce) })
		if want := use.want != nil; used != want {
			t.Errorf("the nonce %s of %s was used: %v, want %v", use.nonce, use.key, used, want)
		}
		refused(t, s, use.want, func(tx chancery.Tx) error { return tx.UseNonce(use.key, use.nonce, at(30)) })
	}
}

func aSigningKeyKnowsItsNonces(t *testing.T, s chancery.Store) {
	key := chancery.NewAccessKey(newAccount(t, s), start)
	write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
	signing := func(want bool) {
		t.Helper()
		used := answer(t, s, func(tx chancery.Tx) (bool, error) {
			got, used, err := tx.SigningKey(key.ID, "nonce")
			same(t, "the key", got, key)
			return used, err
		})
		if used != want {
			t.Errorf("the nonce was used: %v, want %v", used, want)
		}
	}
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.UseNonce(key.ID, "another", at(30)), tx.UseNonce("another", "nonce", at(30)))
	})
	signing(false)
	write(t, s, func(tx chancery.Tx) error { return tx.UseNonce(key.ID, "nonce", at(30)) })
	signing(true)
	missing(t, s, func(tx chancery.Tx) (bool, error) {
		_, used, err := tx.SigningKey("nobody", "nonce")
		return used, err
	})
}

// put writes a submission record; what it says of its order does not matter here.
func put(t *testing.T, s chancery.Store, record chancery.Submission) {
	t.Helper()
	record.Content = append(record.Content, 0)
	write(t, s, func(tx chancery.Tx) error { return tx.PutSubmission(record) })
}

func submission(account chancery.AccountID, key string, now time.Time) func(chancery.Tx) (chancery.Submission, error) {
	return func(tx chancery.Tx) (chancery.Submission, error) { return tx.Submission(account, []byte(key), now) }
}

func aSubmissionRunsOut(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	want := chancery.Submission{
		AccountID: account, Key: []byte{0, 255, 'k'}, Content: []byte{1, 2}, OrderID: 7, CreatedAt: start, ExpiresAt: at(2),
	}
	write(t, s, func(tx chancery.Tx) error { return tx.PutSubmission(want) })
	key := string(want.Key)
	same(t, "the record", answer(t, s, submission(account, key, start)), want)
	answer(t, s, submission(account, key, at(2).Add(-time.Millisecond)))
	missing(t, s, submission(account, key, at(2)))
	missing(t, s, submission(account, "another key", start))
}

func aSubmissionIsWrittenOver(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	first := chancery.Submission{AccountID: account, Key: []byte("k"), Content: []byte{1}, OrderID: 7, CreatedAt: start, ExpiresAt: at(2)}
	second := chancery.Submission{AccountID: account, Key: []byte("k"), Content: []byte{2}, OrderID: 8, CreatedAt: at(3), ExpiresAt: at(5)}
	for _, record := range []chancery.Submission{first, second} {
		write(t, s, func(tx chancery.Tx) error { return tx.PutSubmission(record) })
	}
	same(t, "the record", answer(t, s, submission(account, "k", at(3))), second)
}
