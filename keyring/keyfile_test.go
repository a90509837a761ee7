package keyring_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chancery/keyring"
)

func TestKeyFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	if err := keyring.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	key, err := keyring.ReadKeyFile(path)
	if err != nil || len(key.Reveal()) != 32 {
		t.Fatalf("read %d bytes, %v", len(key.Reveal()), err)
	}
	text, err := os.ReadFile(path)
	want := "chancery-kek-1:" + base64.StdEncoding.EncodeToString(key.Reveal()) + "\n"
	if err != nil || string(text) != want {
		t.Errorf("the file does not hold the key in its documented form (%v)", err)
	}

	if err := keyring.CreateKeyFile(path); !errors.Is(err, fs.ErrExist) {
		t.Errorf("creating it again: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, text) {
		t.Error("creating it again changed the file")
	}

	other := filepath.Join(t.TempDir(), "kek")
	if err := keyring.CreateKeyFile(other); err != nil {
		t.Fatal(err)
	}
	if second, _ := keyring.ReadKeyFile(other); bytes.Equal(second.Reveal(), key.Reveal()) {
		t.Error("two files hold the same key")
	}
}

func TestCreateKeyFileInMissingDirectory(t *testing.T) {
	if err := keyring.CreateKeyFile(filepath.Join(t.TempDir(), "no", "kek")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestKeyFileModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kek")
	if err := keyring.CreateKeyFile(path); err != nil {
		t.Fatal(err)
	}
	for mode, allowed := range map[fs.FileMode]bool{
		0o600: true, 0o400: true, 0o700: true,
		0o640: false, 0o644: false, 0o604: false, 0o660: false, 0o602: false, 0o610: false, 0o601: false, 0o777: false,
	} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.ReadKeyFile(path)
		if allowed && err != nil {
			t.Errorf("mode %#o: %v", mode, err)
		}
		if !allowed && (err == nil || !strings.Contains(err.Error(), "chmod 600 "+path)) {
			t.Errorf("mode %#o: %v; want a message that says chmod 600", mode, err)
		}
	}
}

func TestKeyFileForms(t *testing.T) {
	key := strings.Repeat("Q", 42) + "E="
	for name, text := range map[string]string{
		"empty":              "",
		"no prefix":          key + "\n",
		"another version":    "chancery-kek-2:" + key + "\n",
		"no key":             "chancery-kek-1:\n",
		"short key":          "chancery-kek-1:QUJD\n",
		"long key":           "chancery-kek-1:" + strings.Repeat("QUJD", 11) + "\n",
		"not base64":         "chancery-kek-1:" + strings.Repeat("?", 44) + "\n",
		"loose spare bits":   "chancery-kek-1:" + strings.Repeat("Q", 42) + "F=\n",
		"line break inside":  "chancery-kek-1:" + key[:20] + "\n" + key[20:] + "\n",
		"two line breaks":    "chancery-kek-1:" + key + "\n\n",
		"carriage return":    "chancery-kek-1:" + key + "\r\n",
		"text after":         "chancery-kek-1:" + key + "\nmore\n",
		"blank before":       " chancery-kek-1:" + key + "\n",
		"far too long":       "chancery-kek-1:" + strings.Repeat("Q", 1<<16),
		"right but repeated": strings.Repeat("chancery-kek-1:"+key+"\n", 2),
	} {
		path := filepath.Join(t.TempDir(), "kek")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := keyring.ReadKeyFile(path)
		if err == nil {
			t.Errorf("%s: accepted", name)
		} else if strings.Contains(err.Error(), "QQQQ") {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}

	path := filepath.Join(t.TempDir(), "kek")
	if err := os.WriteFile(path, []byte("chancery-kek-1:"+key), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.ReadKeyFile(path); err != nil {
		t.Errorf("without its last line break: %v", err)
	}
}

func TestKeyFileIsAFile(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "kek")
	if err := os.Mkdir(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.ReadKeyFile(directory); err == nil {
		t.Error("a directory was read")
	}
	if _, err := keyring.ReadKeyFile(directory + "-missing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
