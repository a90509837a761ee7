package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"chancery"
	"chancery/admin"
	"chancery/keyring"
	"chancery/store"
)

// keyFileName is the key-encryption key's file where the operator names none.
const keyFileName = "keyring.key"

// unlock reads the key-encryption key, making one on the first start, and opens
// the keyring with it.
func unlock(ctx context.Context, c Config, opened *store.Store) error {
	path := c.KeyFile
	if path == "" {
		path = filepath.Join(c.DataDir, keyFileName)
	}
	kek, err := keyring.ReadKeyFile(path)
	if errors.Is(err, os.ErrNotExist) && c.KeyFile == "" {
		if err = keyring.CreateKeyFile(path); err == nil {
			kek, err = keyring.ReadKeyFile(path)
		}
	}
	if err != nil {
		return configError("keyring-key-file", "%v", err)
	}
	newKeyset := func() ([]byte, error) { return keyring.NewWrappedKeyset(kek) }
	open := func(wrapped []byte) (chancery.Keyring, error) { return keyring.Open(kek, wrapped) }
	if err := opened.Unlock(ctx, newKeyset, open); err != nil {
		return configError("keyring-key-file", "%s: %v", path, err)
	}
	return nil
}

// firstStart makes the first account with an access key and the free plan, and
// hands the key out: once, to the file or to the caller.
func (s *Service) firstStart(ctx context.Context, c Config) error {
	accounts, err := s.Admin.ListAccounts(ctx, admin.Nothing{})
	if err != nil || len(accounts) > 0 {
		return err
	}
	account, err := s.Admin.CreateAccount(ctx, admin.NewAccount{Name: "default"})
	if err != nil {
		return fmt.Errorf("making the first account: %w", err)
	}
	key, err := s.Admin.CreateAccessKey(ctx, admin.NewAccessKey{AccountID: account.ID})
	if err != nil {
		return fmt.Errorf("making the first access key: %w", err)
	}
	first := s.Admin.Catalogue[0].Code
	if _, err := s.Admin.Catalogue.Find(chancery.DefaultProduct); err == nil {
		first = chancery.DefaultProduct
	}
	if _, err := s.Admin.GrantPlan(ctx, admin.Grant{AccountID: account.ID, ProductCode: first, Count: chancery.FreePlanUnits}); err != nil {
		return fmt.Errorf("granting the free plan: %w", err)
	}
	s.First = &key
	if c.KeyFile == "" {
		s.log.Warn("a key-encryption key was made in the data directory; a copy of the directory is then enough to read all secrets. Keep the key elsewhere, in no backup of the data, and name it with --keyring-key-file",
			"file", filepath.Join(c.DataDir, keyFileName))
	}
	if c.CredentialsOut == "" {
		return nil
	}
	return s.writeCredentials(c.CredentialsOut)
}

func (s *Service) writeCredentials(path string) error {
	text, err := json.MarshalIndent(map[string]string{
		"accessKeyId": s.First.ID, "accessKeySecret": s.First.Secret,
		"accountId": fmt.Sprint(s.First.AccountID), "endpoint": s.Endpoint,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	// A file that others could read must not get the secret for even a moment.
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return configError("credentials-out", "%v", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return configError("credentials-out", "%v", err)
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// health serves /healthz (the process answers), /readyz (so does the database)
// and /metrics.
func (s *Service) health(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := s.store.Ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}
