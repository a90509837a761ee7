package store

import (
	"bytes"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chancery"
	"chancery/keyring"
	"chancery/store/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T) chancery.Store { return newEngine(t) })
}

func TestOneProcessHasTheFile(t *testing.T) {
	e := newEngine(t)
	for range 2 {
		if s, err := Open(ctx, e.file); !errors.Is(err, ErrInUse) {
			t.Fatalf("a second Open gave %v, %v", s, err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	reopen(t, e.file)
}

func TestOpenRefusesModesThatLoseData(t *testing.T) {
	for _, c := range []struct{ pragmas, want string }{
		{"_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)", ""},
		{"_pragma=journal_mode(DELETE)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)", "journal_mode=delete"},
		{"_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=foreign_keys(1)", "synchronous=1"},
		{"_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=foreign_keys(1)", "synchronous=0"},
		{"_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)", "foreign_keys=0"},
	} {
		t.Run(c.want, func(t *testing.T) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(t.TempDir(), "x.db")+"?"+c.pragmas)
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			err = checkMode(ctx, db)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("checkMode gave %v", err)
			}
		})
	}
}

func TestConnectionsRunAsTheyMust(t *testing.T) {
	e := newEngine(t)
	for name, db := range map[string]*sql.DB{"writes": e.writes, "reads": e.reads} {
		if err := checkMode(ctx, db); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := e.writes.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections write", n)
	}
}

func TestOnlyTheOwnerReadsTheFiles(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // a lax environment must not matter
	dir := t.TempDir()
	e := reopen(t, filepath.Join(dir, "chancery.db"))
	e.write(t, addAccount(1))
	for _, name := range []string{"chancery.db", "chancery.db-wal", "chancery.db-shm", "chancery.db.lock"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %o", name, info.Mode().Perm())
		}
	}
}

func TestAnyFileNameWillDo(t *testing.T) {
	for _, name := range []string{"with blank.db", "100%.db", "a?mode=memory.db", "a#b.db", "%2e%2e.db", "ключ.db", "a&b;c.db"} {
		dir := t.TempDir()
		e := reopen(t, filepath.Join(dir, name))
		e.write(t, addAccount(1))
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		files, err := os.ReadDir(dir)
		if err != nil || len(files) != 2 || files[0].Name() != name || files[1].Name() != name+".lock" {
			t.Errorf("%q made the files %v, %v", name, files, err)
		}
	}
}

func TestReopeningKeepsEverything(t *testing.T) {
	e := newEngine(t)
	estate := storetest.Furnish(t, e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, e.file)
	err := again.Read(ctx, func(tx chancery.Tx) error {
		key, err := tx.AccessKey(estate.AccessKey.ID)
		if err == nil && !bytes.Equal(key.Secret.Reveal(), estate.AccessKey.Secret.Reveal()) {
			t.Error("the access key has another secret")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := again.Audit(ctx); err != nil {
		t.Error(err)
	}
}

// A killed process leaves its lock and its log behind; both must not matter.
func TestOpeningAfterACrash(t *testing.T) {
	e := newEngine(t)
	e.write(t, addAccount(1))
	dir := t.TempDir()
	crashed := filepath.Join(dir, "chancery.db")
	for _, suffix := range []string{"", "-wal", ".lock"} {
		content, err := os.ReadFile(e.file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if ids := reopen(t, crashed).accounts(t); len(ids) != 1 {
		t.Errorf("the accounts are %v", ids)
	}
}

func TestLeasesAreFreeAfterOpening(t *testing.T) {
	e := newEngine(t)
	due := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	var before, after []chancery.Step
	claim := func(into *[]chancery.Step) func(chancery.Tx) error {
		return func(tx chancery.Tx) (err error) {
			*into, err = tx.ClaimSteps(due, time.Hour, 10)
			return err
		}
	}
	e.write(t, func(tx chancery.Tx) error { return tx.AddStep(chancery.Step{Kind: chancery.Sweep, DueAt: due}) })
	e.write(t, claim(&before))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, e.file)
	if len(before) != 1 {
		t.Fatalf("%d steps were leased", len(before))
	}
	err := again.Write(ctx, func(tx chancery.Tx) error { return tx.FinishStep(before[0]) })
	if !errors.Is(err, chancery.ErrLeaseLost) {
		t.Errorf("the lease from before gave %v", err)
	}
	again.write(t, claim(&after))
	if len(after) != 1 {
		t.Errorf("%d steps can be leased", len(after))
	}
}

func TestSecretsAreSealedInTheFiles(t *testing.T) {
	e := newEngine(t)
	estate := storetest.Furnish(t, e)
	var all []byte
	for _, suffix := range []string{"", "-wal"} {
		content, err := os.ReadFile(e.file + suffix)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	if !bytes.Contains(all, []byte(estate.AccessKey.ID)) {
		t.Fatal("the files do not even hold the access key's id")
	}
	for what, secret := range map[string]chancery.Secret{"access key": estate.AccessKey.Secret, "private key": estate.Certificate.Key, "ready key": estate.ReadyKey.Key} {
		if bytes.Contains(all, secret.Reveal()) {
			t.Errorf("the files hold the %s's secret", what)
		}
	}
}

func TestTheKeysetIsMadeOnce(t *testing.T) {
	e := newEngine(t) // has been unlocked before
	kek := keyring.Key(chancery.NewSecret(bytes.Repeat([]byte{1}, 32)), "the test")
	if err := e.Unlock(ctx, partsOf{KEK: kek, made: errors.New("another keyset is made")}); err != nil {
		t.Error(err)
	}
}

// partsOf are Keysets that fail where an error is given.
type partsOf struct {
	*keyring.KEK
	made, opened error
}

func (p partsOf) New() ([]byte, error) { return []byte("wrapped"), p.made }

func (p partsOf) Open(wrapped []byte) (chancery.Keyring, error) {
	if p.opened != nil {
		return nil, p.opened
	}
	return p.KEK.Open(wrapped)
}

func TestUnlockFailsWithItsParts(t *testing.T) {
	mine := errors.New("mine")
	s, err := Open(ctx, filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.Unlock(ctx, partsOf{made: mine})
	if !errors.Is(err, mine) {
		t.Errorf("without a new keyset: %v", err)
	}
	err = s.Unlock(ctx, partsOf{opened: mine})
	if !errors.Is(err, mine) {
		t.Errorf("with a keyset that does not open: %v", err)
	}
}

func TestAnotherKeyDoesNotUnlock(t *testing.T) {
	e := newEngine(t)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := Open(ctx, e.file)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := unlock(s, 2); err == nil {
		t.Error("another key-encryption key unlocked the store")
	}
	if err := unlock(s, 1); err != nil {
		t.Errorf("the right key no longer does: %v", err)
	}
}

func TestAClosedStoreRefuses(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	e := newEngine(t)
	if err := e.Ping(ctx); err != nil {
		t.Error(err)
	}
	e.write(t, addAccount(1))
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if err := e.Write(ctx, addAccount(2)); err == nil {
		t.Error("Write went on")
	}
	if err := e.Read(ctx, func(chancery.Tx) error { return nil }); err == nil {
		t.Error("Read went on")
	}
	if err := e.Ping(ctx); err == nil {
		t.Error("Ping went on")
	}
}

// The log gives back what it took while a reader, or a full disk, kept its pages out of
// the database.
func TestTheLogIsCutShortAgain(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chancery.db")
	s, err := Open(ctx, file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := unlock(s, 1); err != nil {
		t.Fatal(err)
	}
	size := func() int64 {
		info, err := os.Stat(file + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	id := chancery.AccountID(0)
	write := func() {
		id++
		if err := s.Write(ctx, func(tx chancery.Tx) error {
			return tx.AddAccount(chancery.Account{ID: id, Name: strings.Repeat("x", 100_000)})
		}); err != nil {
			t.Fatal(err)
		}
	}
	const long = 8 << 20
	err = s.Read(ctx, func(tx chancery.Tx) error {
		if _, err := tx.Accounts(); err != nil {
			return err
		}
		for size() < long {
			write()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		write()
	}
	if left := size(); left > long/2+1<<20 {
		t.Errorf("the log still has %d KiB", left>>10)
	}
}
