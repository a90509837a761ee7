package keyring_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"chancery"
	"chancery/keyring"
)

func kek(fill byte) chancery.Secret {
	return chancery.NewSecret(bytes.Repeat([]byte{fill}, 32))
}

func open(t testing.TB, kek chancery.Secret) *keyring.Keyring {
	t.Helper()
	wrapped, err := keyring.NewWrappedKeyset(kek)
	if err != nil {
		t.Fatal(err)
	}
	ring, err := keyring.Open(kek, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	return ring
}

func TestSealedSecretOpensInItsPlaceOnly(t *testing.T) {
	ring := open(t, kek(1))
	for _, plain := range []string{"", "k", "-----BEGIN PRIVATE KEY-----", strings.Repeat("long", 1<<16)} {
		sealed, err := ring.Seal(chancery.NewSecret([]byte(plain)), "order_keys/7/9")
		if err != nil {
			t.Fatal(err)
		}
		// A single letter stands in random bytes by chance.
		if len(plain) > 8 && bytes.Contains(sealed, []byte(plain)) {
			t.Error("the sealed value holds its plaintext")
		}
		if len(sealed) != len(plain)+33 {
			t.Errorf("sealing %d bytes gave %d", len(plain), len(sealed))
		}
		got, err := ring.Open(sealed, "order_keys/7/9")
		if err != nil || string(got.Reveal()) != plain {
			t.Errorf("Open gave %d bytes, %v; want %d", len(got.Reveal()), err, len(plain))
		}
		for _, elsewhere := range []string{"", "order_keys/7/10", "order_keys/7/9 ", "certificates/7/9"} {
			if _, err := ring.Open(sealed, elsewhere); err == nil {
				t.Errorf("opened for %q too", elsewhere)
			}
		}
	}
}

func TestEverySealIsDifferent(t *testing.T) {
	ring := open(t, kek(1))
	one, _ := ring.Seal(chancery.NewSecret([]byte("same")), "row")
	two, _ := ring.Seal(chancery.NewSecret([]byte("same")), "row")
	if bytes.Equal(one, two) {
		t.Error("two seals of one secret are equal")
	}
}

func TestChangedSealDoesNotOpen(t *testing.T) {
	ring := open(t, kek(1))
	sealed, err := ring.Seal(chancery.NewSecret([]byte("hunter2 hunter2")), "row")
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 0x10
		if got, err := ring.Open(changed, "row"); err == nil || !got.Empty() {
			t.Errorf("opened with byte %d flipped", i)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("the error holds the plaintext: %v", err)
		}
		if _, err := ring.Open(sealed[:i], "row"); err == nil {
			t.Errorf("opened when cut to %d bytes", i)
		}
	}
}

func TestAnotherKeysetDoesNotOpen(t *testing.T) {
	sealed, err := open(t, kek(1)).Seal(chancery.NewSecret([]byte("secret")), "row")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, kek(1)).Open(sealed, "row"); err == nil {
		t.Error("a second keyset opens what the first sealed")
	}
}

func TestSameKeysetOpensAfterRestart(t *testing.T) {
	wrapped, err := keyring.NewWrappedKeyset(kek(1))
	if err != nil {
		t.Fatal(err)
	}
	before, _ := keyring.Open(kek(1), wrapped)
	after, _ := keyring.Open(kek(1), wrapped)
	sealed, _ := before.Seal(chancery.NewSecret([]byte("secret")), "row")
	if got, err := after.Open(sealed, "row"); err != nil || string(got.Reveal()) != "secret" {
		t.Errorf("got %v", err)
	}
}

func TestWrongKey(t *testing.T) {
	wrapped, err := keyring.NewWrappedKeyset(kek(1))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(kek(2), wrapped); !errors.Is(err, keyring.ErrWrongKey) {
		t.Errorf("another key: %v", err)
	}
	for i := range wrapped {
		changed := bytes.Clone(wrapped)
		changed[i] ^= 1
		if _, err := keyring.Open(kek(1), changed); !errors.Is(err, keyring.ErrWrongKey) {
			t.Errorf("byte %d flipped: %v", i, err)
		}
	}
	for _, short := range []chancery.Secret{{}, chancery.NewSecret(make([]byte, 16)), chancery.NewSecret(make([]byte, 33))} {
		if _, err := keyring.Open(short, wrapped); err == nil || errors.Is(err, keyring.ErrWrongKey) {
			t.Errorf("a key of %d bytes: %v", len(short.Reveal()), err)
		}
		if _, err := keyring.NewWrappedKeyset(short); err == nil {
			t.Errorf("wrapped with a key of %d bytes", len(short.Reveal()))
		}
	}
}

func TestKeyringPrintsNothing(t *testing.T) {
	ring := open(t, kek(1))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("", "ring", ring)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("", "ring", *ring)
	if !strings.Contains(log.String(), "[keyring]") || strings.Contains(log.String(), "0x") {
		t.Errorf("logged %s", log.String())
	}
	holder := struct{ Ring *keyring.Keyring }{ring}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		if got := fmt.Sprintf(verb, ring); got != "[keyring]" {
			t.Errorf("%s prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, *ring); got != "[keyring]" {
			t.Errorf("%s of the value prints %s", verb, got)
		}
		if got := fmt.Sprintf(verb, holder); strings.Contains(got, "aead") {
			t.Errorf("%s of its holder prints %s", verb, got)
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	ring := open(t, kek(1))
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			place := fmt.Sprint("row/", worker)
			for range 50 {
				sealed, err := ring.Seal(chancery.NewSecret([]byte(place)), place)
				if err != nil {
					t.Error(err)
				}
				if got, err := ring.Open(sealed, place); err != nil || string(got.Reveal()) != place {
					t.Errorf("%s: %v", place, err)
				}
			}
		})
	}
	group.Wait()
}

func FuzzOpenGarbage(f *testing.F) {
	ring := open(f, kek(1))
	sealed, err := ring.Seal(chancery.NewSecret([]byte("secret")), "row")
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{}, "row")
	f.Add(sealed[:5], "row")
	f.Add(sealed[:len(sealed)-1], "row")
	f.Add(append(bytes.Clone(sealed), 0), "row")
	f.Add(sealed, "other")
	f.Fuzz(func(t *testing.T, garbage []byte, place string) {
		if bytes.Equal(garbage, sealed) && place == "row" {
			t.Skip()
		}
		if _, err := ring.Open(garbage, place); err == nil {
			t.Error("garbage opened as a secret")
		}
		if _, err := keyring.Open(kek(1), garbage); !errors.Is(err, keyring.ErrWrongKey) {
			t.Errorf("garbage as a keyset: %v", err)
		}
	})
}
