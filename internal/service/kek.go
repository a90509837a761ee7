package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"chancery/keyring"
)

const (
	// keyFileName is the key-encryption key's file where the operator names none.
	keyFileName = "keyring.key"
	// KeyVariable is the environment variable that may hold the key-encryption key in
	// place of a file. There is no flag for it: others can see those.
	KeyVariable = "CHANCERY_KEYRING_KEY"
)

// TakeKey reads the key-encryption key from the environment, if it is there, and
// removes it: no other program is to inherit it.
func (c *Config) TakeKey() error {
	line, set := os.LookupEnv(KeyVariable)
	if !set || line == "" {
		return nil
	}
	if c.KeyFile != "" {
		return fmt.Errorf("both %s and --keyring-key-file (CHANCERY_KEYRING_KEY_FILE) are given; give one of them", KeyVariable)
	}
	key, err := keyring.ParseKey(line)
	if err != nil {
		return fmt.Errorf("%s %w: it is the line that `chancery keyring new-key` makes", KeyVariable, err)
	}
	c.Key = key
	return os.Unsetenv(KeyVariable)
}

// kek is the key-encryption key that the configuration names.
func (c *Config) kek() *keyring.KEK {
	switch {
	case !c.Key.Empty():
		return keyring.Key(c.Key, KeyVariable)
	case c.KeyFile != "":
		return keyring.KeyFile(c.KeyFile, false)
	}
	return keyring.KeyFile(filepath.Join(c.DataDir, keyFileName), true)
}

// KeySource says where the key-encryption key comes from.
func (c *Config) KeySource() string {
	switch {
	case !c.Key.Empty():
		return KeyVariable
	case c.KeyFile != "":
		return c.KeyFile
	}
	return filepath.Join(c.DataDir, keyFileName)
}

// HasKey tells whether there is a key-encryption key where the configuration says.
func (c *Config) HasKey() bool {
	if !c.Key.Empty() {
		return true
	}
	_, err := os.Stat(c.KeySource())
	return !errors.Is(err, os.ErrNotExist)
}

// keyMadeHere tells whether the key-encryption key lies beside what it opens.
func (c *Config) keyMadeHere() bool { return c.KeyFile == "" && c.Key.Empty() }
