package database

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // to look at the database past the service

	"chancery"
	"chancery/admin"
	"chancery/internal/pgtest"
	"chancery/internal/zone"
	"chancery/keyring"
	"chancery/signature"
)

// products is a catalogue with keys that are quick to make.
const products = `[{"code": "digicert-free-1-free", "lifetimeDays": 90, "termDays": 365, "keyAlgorithm": "ECC_256"}]`

// world is two nodes on one PostgreSQL, and the DNS server of all applicants.
type world struct {
	server *pgtest.Server
	nodes  [2]*node
	dns    *zone.Server
	keys   []signature.Credentials // of accounts with a plan that suffices
	db     *sql.DB                 // past the service and whatever stands before the database
}

// newWorld starts the nodes on the database that url names, which is server's own.
func newWorld(t *testing.T, server *pgtest.Server, url string) *world {
	t.Helper()
	w := &world{server: server}
	var err error
	w.dns, err = zone.Start("127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { _ = w.dns.Close() })
	w.db, err = sql.Open("pgx", server.URL("postgres"))
	must(t, err)
	t.Cleanup(func() { _ = w.db.Close() })
	w.db.SetMaxIdleConns(0) // its connections are not to be ended with those of the nodes

	dir := t.TempDir()
	key, catalogue := filepath.Join(dir, "keyring.key"), filepath.Join(dir, "products.json")
	must(t, keyring.CreateKeyFile(key))
	must(t, os.WriteFile(catalogue, []byte(products), 0o600))
	for i := range w.nodes {
		w.nodes[i] = startNode(t, server.URL("postgres"), key, "--database", url, "--products", catalogue, "--rates", "off",
			"--dcv-resolver", w.dns.Addr(), "--dcv-allow", "127.0.0.0/8")
	}
	const accounts = 4 // writes of one wait for each other, those of several do not
	for i := range accounts {
		w.keys = append(w.keys, w.nodes[0].tenant(t, fmt.Sprintf("tenant %d", i)))
	}
	return w
}

// tenant makes an account with a key and a plan, over the admin socket.
func (n *node) tenant(t *testing.T, name string) signature.Credentials {
	t.Helper()
	socket, running, err := admin.Dial(t.Context(), n.dir)
	if err != nil || !running {
		t.Fatalf("the admin socket: running %v, %v", running, err)
	}
	ask := func(name string, in, out any) {
		t.Helper()
		must(t, socket.Call(t.Context(), name, in, out))
	}
	var account admin.Account
	ask("account.create", admin.NewAccount{Name: name}, &account)
	var key admin.AccessKey
	ask("accesskey.create", admin.NewAccessKey{AccountID: account.ID}, &key)
	ask("plan.grant", admin.Grant{AccountID: account.ID, ProductCode: chancery.DefaultProduct, Count: 100_000}, &admin.Plan{})
	return signature.Credentials{AccessKeyID: key.ID, AccessKeySecret: signature.Secret(key.Secret)}
}

// count is what a query past the service counts.
func (w *world) count(t *testing.T, query string) (n int) {
	t.Helper()
	must(t, w.db.QueryRowContext(t.Context(), query).Scan(&n))
	return n
}

// node is one process of the service.
type node struct {
	endpoint string
	dir      string
	operator []string // flags of the operator's commands
	cmd      *exec.Cmd
	log      *nodeLog
	ended    chan struct{} // closed when the process was waited for
}

func startNode(t *testing.T, operatorURL, key string, flags ...string) *node {
	t.Helper()
	binary, err := program()
	must(t, err)
	dir, err := os.MkdirTemp(buildDir, "") // the admin socket's path must be short
	must(t, err)
	n := &node{
		dir: dir, log: &nodeLog{listening: make(chan string, 1)}, ended: make(chan struct{}),
		operator: []string{"--data-dir", dir, "--database", operatorURL, "--keyring-key-file", key},
	}
	n.cmd = n.command(context.Background(), binary, append([]string{
		"serve", "--data-dir", dir, "--keyring-key-file", key, "--listen", "127.0.0.1:0", "--metrics-listen", "off",
		"--credentials-out", filepath.Join(dir, "credentials.json"), "--log-format", "json",
	}, flags...)...)
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // what is sent to the tests is not for it
	n.cmd.Stderr = n.log
	must(t, n.cmd.Start())
	go func() {
		defer close(n.ended)
		_ = n.cmd.Wait() // what it says is in ProcessState
	}()
	t.Cleanup(func() {
		_ = n.cmd.Process.Kill()
		<-n.ended
		if t.Failed() {
			t.Logf("the end of a node's log:\n%s", n.log.tail(6<<10))
		}
	})
	select {
	case n.endpoint = <-n.log.listening:
	case <-n.ended:
		t.Fatalf("the node ended while it started: %s", n.cmd.ProcessState)
	case <-time.After(patience):
		t.Fatalf("the node did not start within %s", patience)
	}
	return n
}

// command is the program with a clean environment. A data race ends it at once.
func (*node) command(ctx context.Context, binary string, arguments ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, arguments...)
	cmd.Env = []string{"GORACE=halt_on_error=1 atexit_sleep_ms=0", "HOME=" + buildDir, "PATH=" + os.Getenv("PATH")}
	return cmd
}

// operate runs an operator's command, which must succeed.
func (n *node) operate(t *testing.T, arguments ...string) []byte {
	t.Helper()
	binary, err := program()
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	output, err := n.command(ctx, binary, append(arguments, n.operator...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("chancery %v: %v\n%s", arguments, err, output)
	}
	return output
}

// stop asks the node to end, which it must do well: no fault may have ended it before.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-n.ended:
		if !n.cmd.ProcessState.Success() {
			t.Errorf("a node ended with %s", n.cmd.ProcessState)
		}
	case <-time.After(patience):
		t.Errorf("a node did not stop within %s", patience)
	}
	for _, word := range []string{"DATA RACE", "panic"} {
		if strings.Contains(n.log.tail(64<<20), word) {
			t.Errorf("a node's log speaks of a %s", word)
		}
	}
}

// nodeLog keeps the log, and passes the endpoint on when it appears.
type nodeLog struct {
	listening chan string

	mu   sync.Mutex // guards text
	text bytes.Buffer
	line []byte // the unfinished one; of the one goroutine that writes
}

// Write implements io.Writer.
func (l *nodeLog) Write(text []byte) (int, error) {
	l.mu.Lock()
	l.text.Write(text)
	l.mu.Unlock()
	l.line = append(l.line, text...)
	for {
		line, rest, whole := bytes.Cut(l.line, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		l.line = rest
		var event struct{ Msg, Endpoint string }
		if json.Unmarshal(line, &event) == nil && event.Msg == "listening" {
			l.listening <- event.Endpoint
		}
	}
}

func (l *nodeLog) tail(most int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	text := l.text.String()
	return text[max(0, len(text)-most):]
}
