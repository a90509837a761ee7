package e2e

import (
	"bufio"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // the driver, to make a schema from the future

	"chancery"
	"chancery/admin"
	"chancery/internal/zone"
	"chancery/signature"
)

// Told to stop, the service finishes the request and the look that are in hand,
// takes nothing new, ends with status 0, and goes on where it was when it is
// started again.
func TestShutdownFinishesWhatIsInHand(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 5)
	const name, record = "stopped.example.test", "_dnsauth.stopped.example.test"
	looking := make(chan struct{})
	var once sync.Once
	s.dns.Fault(record, zone.Silent) // the look goes on until its time is over
	s.dns.OnQuery(func(asked, _ string) {
		if asked == record {
			once.Do(func() { close(looking) })
		}
	})
	request := openRequest(t, s, who.key)
	order := who.apply(t, name, "DNS")
	<-looking

	s.terminate(t)
	var stopping struct{ Msg string }
	s.await(t, s.stderr, "msg", "stopping; a second signal ends at once", &stopping)
	eventually(t, "the service takes no new connection", func() bool {
		conn, err := net.Dial("tcp", hostOf(t, s.endpoint))
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if status := request.finish(t); status != http.StatusOK {
		t.Errorf("the open request was answered with status %d", status)
	}
	s.endWell(t)

	s.launch(t)
	who.Client = s.client(t, who.key)
	if state := who.state(t, order); state.Type != "domain_verify" || !found(state, chancery.NoAnswer, "") {
		t.Errorf("the look that was in hand is not kept: %s, %s", state.Type, evidence(t, state))
	}
	s.dns.Fault(record, zone.None)
	state := who.state(t, order)
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	who.issued(t, order)
}

// halfRequest is a request whose body is not sent whole.
type halfRequest struct {
	conn net.Conn
	rest string
}

func openRequest(t *testing.T, s *service, key signature.Credentials) halfRequest {
	t.Helper()
	signed := call{action: "DescribePackageState", key: key, format: "JSON", method: http.MethodPost}.sign(t, s.endpoint)
	conn, err := net.Dial("tcp", signed.host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	head := fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n",
		signed.host, len(signed.query))
	if _, err := io.WriteString(conn, head+signed.query[:10]); err != nil {
		t.Fatal(err)
	}
	return halfRequest{conn, signed.query[10:]}
}

// finish sends the rest and gives the status of a whole answer.
func (r halfRequest) finish(t *testing.T) int {
	t.Helper()
	if _, err := io.WriteString(r.conn, r.rest); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(r.conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		t.Errorf("the answer is not whole: %v", err)
	}
	return answer.StatusCode
}

// One data directory has one service; commands reach it while it runs and the
// directory itself when it does not.
func TestOneServiceForADirectory(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	second := finish(t, nil, program, s.flags...)
	if want := "another process uses this data directory"; second.status != 1 || !strings.Contains(second.stderr, want) {
		t.Errorf("a second service ended with status %d, want 1 and %q\n%s", second.status, want, second.stderr)
	}
	first := operateAll(t, s)
	s.stop(t)
	operateAll(t, s)
	s.launch(t)
	var plans []admin.Plan
	s.operate(t, &plans, "plan", "list", "--account", first)
	var granted int64
	for _, plan := range plans {
		granted += plan.Total
	}
	if want := int64(chancery.FreePlanUnits + 2*3); granted != want {
		t.Errorf("the plans have %d units, want %d", granted, want)
	}
	s.kill() // leaves its socket behind
	operateAll(t, s)
	if none := finish(t, nil, program, "account", "list", "--data-dir", filepath.Join(s.dir, "none")); none.status != 1 || !strings.Contains(none.stderr, "there is no data in") {
		t.Errorf("a directory without data: status %d, %s", none.status, none.stderr)
	}
}

// operateAll uses every operator's command once, and gives the first account.
func operateAll(t *testing.T, s *service) string {
	t.Helper()
	var accounts []admin.Account
	s.operate(t, &accounts, "account", "list")
	if len(accounts) == 0 {
		t.Fatal("there is no account")
	}
	first := fmt.Sprint(int64(accounts[0].ID))
	var account admin.Account
	s.operate(t, &account, "account", "create", "--name", "another")
	var key admin.AccessKey
	s.operate(t, &key, "accesskey", "create", "--account", fmt.Sprint(int64(account.ID)))
	if key.Secret == "" || key.AccountID != account.ID {
		t.Errorf("the new key is %q of account %d", key.ID, key.AccountID)
	}
	s.operate(t, &admin.AccessKeyName{}, "accesskey", "disable", key.ID, "--account", fmt.Sprint(int64(account.ID)))
	var keys []admin.AccessKey
	s.operate(t, &keys, "accesskey", "list", "--account", fmt.Sprint(int64(account.ID)))
	if len(keys) != 1 || !keys[0].Disabled || keys[0].Secret != "" {
		t.Errorf("the account's keys are %+v", keys)
	}
	s.operate(t, &admin.Plan{}, "plan", "grant", "--account", first, "--count", "3")
	var report struct{ Problems []any }
	s.operate(t, &report, "doctor")
	if report.Problems == nil || len(report.Problems) > 0 {
		t.Errorf("the doctor says %v", report.Problems)
	}
	return first
}

// What is in the data directory is for its owner alone.
func TestDirectoryIsPrivate(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	info, err := os.Stat(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory has mode %o", info.Mode().Perm())
	}
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		t.Fatal(err)
	}
	modes := map[string]os.FileMode{}
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil {
			modes[entry.Name()] = info.Mode()
			if info.Mode().Perm() != 0o600 {
				t.Errorf("%s has mode %o", entry.Name(), info.Mode().Perm())
			}
		}
	}
	if modes["admin.sock"]&os.ModeSocket == 0 || !modes["keyring.key"].IsRegular() || !modes["chancery.db"].IsRegular() {
		t.Errorf("the directory holds %v", modes)
	}
}

// The metrics listener tells whether the service lives, is ready, and what it does.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ok\n", "/metrics": "go_goroutines "} {
		if status, body := get(t, s.metrics+path); status != http.StatusOK || !strings.Contains(body, want) {
			t.Errorf("%s answers %d without %q:\n%s", path, status, want, tail(body, 500))
		}
	}
}

// A database that a newer version wrote is left alone.
func TestNewerSchema(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	s.stop(t)
	path := (&url.URL{Scheme: "file", Path: filepath.Join(s.dir, "chancery.db")}).String()
	change := func(statement string) {
		t.Helper()
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		if _, err := db.ExecContext(soon(t), statement); err != nil {
			t.Fatal(err)
		}
	}
	change("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
	for _, arguments := range [][]string{s.flags, {"doctor", "--data-dir", s.dir}} {
		refused := finish(t, nil, program, arguments...)
		if want := "newer schema"; refused.status != 1 || !strings.Contains(refused.stderr, want) {
			t.Errorf("chancery %s ended with status %d, want 1 and %q\n%s", arguments[0], refused.status, want, refused.stderr)
		}
	}
	change("DELETE FROM goose_db_version WHERE version_id = 99999")
}
