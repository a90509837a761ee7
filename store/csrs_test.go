package store

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/keyring"
)

var day = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// opened is a store with two accounts, 1 and 2.
func opened(t *testing.T) *Store {
	t.Helper()
	s, err := Open(context.Background(), filepath.Join(t.TempDir(), "chancery.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	kek := chancery.NewSecret([]byte("a key-encryption key of 32 bytes"))
	err = s.Unlock(context.Background(), keyring.Key(kek, "the test"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.AddAccount(chancery.Account{ID: 1, CreatedAt: day}), tx.AddAccount(chancery.Account{ID: 2, CreatedAt: day}))
	})
	return s
}

func write(t *testing.T, s *Store, fn func(chancery.Tx) error) {
	t.Helper()
	if err := s.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// same compares; secrets by what they hold.
func same(t *testing.T, what string, got, want any) {
	t.Helper()
	secrets := cmp.Comparer(func(a, b chancery.Secret) bool { return string(a.Reveal()) == string(b.Reveal()) })
	if diff := cmp.Diff(want, got, secrets); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func is(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v; want %v", what, err, want)
	}
}

func sampleCSR(id chancery.CSRID) chancery.StoredCSR {
	return chancery.StoredCSR{
		ID: id, AccountID: 1, Name: "first", CommonName: "www.example.com", SANs: "www.example.com,example.com",
		Algorithm: "ECC", KeySize: 256, PEM: "a request", KeySHA2: "AB", CreatedAt: day,
		Subject: chancery.CSRSubject{Country: "CN", Province: "Zhejiang", Locality: "Hangzhou", CorpName: "Example", Department: "IT"},
	}
}

func TestCSRs(t *testing.T) {
	s := opened(t)
	keyless, keyed := sampleCSR(10), sampleCSR(11)
	keyed.Key, keyed.HasKey = chancery.NewSecret([]byte("sesame")), true
	closed := keyed
	closed.Key = chancery.Secret{}
	write(t, s, func(tx chancery.Tx) error {
		is(t, "adding", errors.Join(tx.AddCSR(keyless), tx.AddCSR(keyed)), nil)
		is(t, "adding again", tx.AddCSR(keyless), chancery.ErrConflict)

		got, err := tx.CSR(1, 11)
		is(t, "reading", err, nil)
		same(t, "without its key", got, closed)
		got, err = tx.CSRKey(1, 11)
		is(t, "reading", err, nil)
		same(t, "with its key", got, keyed)
		id, err := tx.CSRByKey(1, "AB")
		is(t, "finding by key", err, nil)
		same(t, "the one that has the key", id, chancery.CSRID(11))

		is(t, "a second key", tx.UpdateCSR(keyed), chancery.ErrConflict)
		keyless.Key, keyless.HasKey = chancery.NewSecret([]byte("open")), true
		is(t, "a first key", tx.UpdateCSR(keyless), nil)
		got, err = tx.CSRKey(1, 10)
		is(t, "reading", err, nil)
		same(t, "with its new key", got, keyless)
		return nil
	})
	write(t, s, func(tx chancery.Tx) error {
		_, err := tx.CSR(2, 10)
		is(t, "another account's", err, chancery.ErrNotFound)
		_, err = tx.CSRKey(2, 10)
		is(t, "another account's key", err, chancery.ErrNotFound)
		_, err = tx.CSRByKey(2, "AB")
		is(t, "by key from another account", err, chancery.ErrNotFound)
		is(t, "deleting another account's", tx.DeleteCSR(2, 10), chancery.ErrNotFound)
		is(t, "deleting", tx.DeleteCSR(1, 10), nil)
		is(t, "deleting again", tx.DeleteCSR(1, 10), chancery.ErrNotFound)
		return nil
	})
	report, err := s.Examine(context.Background())
	if err != nil || len(report.Problems) > 0 {
		t.Errorf("%+v, %v", report, err)
	}
}

// A sealed key that stands in another row does not open.
func TestCSRKeyIsBoundToItsRow(t *testing.T) {
	s := opened(t)
	write(t, s, func(tx chancery.Tx) error {
		first, second := sampleCSR(10), sampleCSR(11)
		first.Key, second.Key = chancery.NewSecret([]byte("sesame")), chancery.NewSecret([]byte("sesame"))
		return errors.Join(tx.AddCSR(first), tx.AddCSR(second))
	})
	if _, err := s.writes.Exec("UPDATE csrs SET key = (SELECT key FROM csrs WHERE id = 11) WHERE id = 10"); err != nil {
		t.Fatal(err)
	}
	write(t, s, func(tx chancery.Tx) error {
		if c, err := tx.CSRKey(1, 10); err == nil || strings.Contains(err.Error(), "sesame") {
			t.Errorf("got %v, %v", c, err)
		}
		return nil
	})
	if report, err := s.Examine(context.Background()); err != nil || len(report.Problems) != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestListCSRs(t *testing.T) {
	s := opened(t)
	write(t, s, func(tx chancery.Tx) error {
		for i, name := range []string{"a_b", "a%b", "a!b", "AxB", "straße"} {
			c := sampleCSR(chancery.CSRID(100 - i))
			c.Name, c.CommonName, c.SANs, c.CreatedAt = name, "cn", "san", day.Add(time.Duration(i)*time.Hour)
			if i == 0 {
				c.Algorithm = "RSA"
			}
			if err := tx.AddCSR(c); err != nil {
				return err
			}
		}
		other := sampleCSR(1)
		other.AccountID = 2
		return tx.AddCSR(other)
	})
	for _, tt := range []struct {
		filter chancery.CSRFilter
		page   chancery.Page
		want   string
		total  int64
	}{
		{chancery.CSRFilter{}, chancery.Page{Number: 1, Size: 50}, "straße AxB a!b a%b a_b", 5},
		{chancery.CSRFilter{}, chancery.Page{Number: 2, Size: 2}, "a!b a%b", 5},
		{chancery.CSRFilter{}, chancery.Page{Number: 4, Size: 2}, "", 5},
		{chancery.CSRFilter{}, chancery.Page{Number: 1 << 62, Size: 100}, "", 5},
		{chancery.CSRFilter{Algorithm: "RSA"}, chancery.Page{Number: 1, Size: 50}, "a_b", 1},
		{chancery.CSRFilter{Algorithm: "SM2"}, chancery.Page{Number: 1, Size: 50}, "", 0},
		{chancery.CSRFilter{Keyword: "a_b"}, chancery.Page{Number: 1, Size: 50}, "a_b", 1},
		{chancery.CSRFilter{Keyword: "%"}, chancery.Page{Number: 1, Size: 50}, "a%b", 1},
		{chancery.CSRFilter{Keyword: "!"}, chancery.Page{Number: 1, Size: 50}, "a!b", 1},
		{chancery.CSRFilter{Keyword: "axb"}, chancery.Page{Number: 1, Size: 50}, "AxB", 1},
		{chancery.CSRFilter{Keyword: "STRAß"}, chancery.Page{Number: 1, Size: 50}, "straße", 1},
		{chancery.CSRFilter{Keyword: "SAN"}, chancery.Page{Number: 1, Size: 1}, "straße", 5},
	} {
		write(t, s, func(tx chancery.Tx) error {
			list, total, err := tx.ListCSRs(1, tt.filter, tt.page)
			var names []string
			for _, c := range list {
				names = append(names, c.Name)
			}
			if got := strings.Join(names, " "); err != nil || got != tt.want || total != tt.total {
				t.Errorf("%+v %+v: %q of %d, %v; want %q of %d", tt.filter, tt.page, got, total, err, tt.want, tt.total)
			}
			return nil
		})
	}
}
