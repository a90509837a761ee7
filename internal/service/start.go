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
	"chancery/store"
)

// unlock opens the keyring, or makes one on the first start, with the key-encryption key.
func unlock(ctx context.Context, c Config, opened *store.Store) error {
	err := opened.Unlock(ctx, c.kek())
	if err == nil || !c.Key.Empty() {
		return err
	}
	return configError("keyring-key-file", "%w", err)
}

// firstStart makes the first account with the free plan and an access key, and
// hands the key out: once, to the file or to the caller. The key comes last, so
// that the next start goes on where one was cut short.
func (s *Service) firstStart(ctx context.Context, c Config) error {
	account, err := s.withoutKey(ctx)
	if err != nil || account == 0 {
		return err
	}
	if err := s.grantFreePlan(ctx, account); err != nil {
		return fmt.Errorf("granting the free plan: %w", err)
	}
	var out *os.File
	if c.CredentialsOut != "" { // a key is only made when it can be handed out
		if out, err = createPrivate(c.CredentialsOut); err != nil {
			return configError("credentials-out", "%v", err)
		}
	}
	key, err := s.Admin.CreateAccessKey(ctx, admin.NewAccessKey{AccountID: account})
	if err != nil {
		return fmt.Errorf("making the first access key: %w", err)
	}
	s.First = &key
	if c.keyMadeHere() {
		s.log.Warn("a key-encryption key was made in the data directory; a copy of the directory is then enough to read all secrets. Keep the key elsewhere, in no backup of the data, and name it with --keyring-key-file",
			"file", filepath.Join(c.DataDir, keyFileName))
	}
	if out == nil {
		return nil
	}
	return s.writeCredentials(out)
}

// withoutKey gives the account, made if there is none, whose first key is still
// to be made; 0 when the first start is over.
func (s *Service) withoutKey(ctx context.Context) (chancery.AccountID, error) {
	accounts, err := s.Admin.ListAccounts(ctx, admin.Nothing{})
	if err != nil || len(accounts) > 1 {
		return 0, err
	}
	if len(accounts) == 0 {
		account, err := s.Admin.CreateAccount(ctx, admin.NewAccount{Name: "default", Operator: true})
		if err != nil {
			return 0, fmt.Errorf("making the first account: %w", err)
		}
		return account.ID, nil
	}
	keys, err := s.Admin.ListAccessKeys(ctx, admin.AccountName{ID: accounts[0].ID})
	if err != nil || len(keys) > 0 {
		return 0, err
	}
	return accounts[0].ID, nil
}

func (s *Service) grantFreePlan(ctx context.Context, account chancery.AccountID) error {
	plans, err := s.Admin.ListPlans(ctx, admin.AccountName{ID: account})
	if err != nil || len(plans) > 0 {
		return err
	}
	first := s.Admin.Catalogue[0].Code
	if _, err := s.Admin.Catalogue.Find(chancery.DefaultProduct); err == nil {
		first = chancery.DefaultProduct
	}
	_, err = s.Admin.GrantPlan(ctx, admin.Grant{AccountID: account, ProductCode: first, Count: chancery.FreePlanUnits})
	return err
}

// createPrivate makes an empty file that nobody else can read: one that others
// could read must not get a secret for even a moment.
func createPrivate(path string) (*os.File, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
}

func (s *Service) writeCredentials(file *os.File) error {
	text, err := json.MarshalIndent(map[string]string{
		"accessKeyId": s.First.ID, "accessKeySecret": s.First.Secret,
		"accountId": fmt.Sprint(s.First.AccountID), "endpoint": s.Endpoint,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("writing the credentials: %w", err)
	}
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}

// health serves /healthz (the process answers), /readyz (so does the database, and
// the service was not told to stop) and /metrics.
func (s *Service) health(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		select {
		case <-s.turning:
			http.Error(w, "the service stops", http.StatusServiceUnavailable)
			return
		default:
		}
		if err := s.store.Ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return mux
}
