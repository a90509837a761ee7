package crash

import (
	"context"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the database is read past the program, too
	_ "modernc.org/sqlite"             // likewise

	"chancery/cas"
	"chancery/client"
	"chancery/internal/failpoint"
	"chancery/internal/pgtest"
	"chancery/keyring"
	"chancery/signature"
	"chancery/store"
)

// engine is what keeps the data.
type engine string

const (
	sqlite   engine = "SQLite"
	postgres engine = "PostgreSQL"
)

// place is the data of a service and the processes that live on it: one, or nodes on
// one database.
type place struct {
	world       *world
	path        string   // of the first data directory
	shared      []string // flags that name database and key
	db          *sql.DB  // the same database, for reading
	failpoints  string   // the file that arms a point
	credentials signature.Credentials
	root        atomic.Pointer[x509.Certificate]
	launched    time.Time        // when a process last was; of the test's goroutine
	recorded    map[int64][]byte // what the CA recorded so far, by order; likewise

	mu    sync.Mutex // guards lives
	lives []*instance
}

// emptyPlace is one where no service ever ran.
func (w *world) emptyPlace(t *testing.T, database engine) *place {
	t.Helper()
	base := shortTempDir(t)
	p := &place{world: w, path: filepath.Join(base, "d"), failpoints: filepath.Join(base, "failpoint")}
	driver, name := "sqlite", "file:"+filepath.Join(p.path, "chancery.db")+"?mode=ro&_pragma=busy_timeout(10000)"
	if database == postgres {
		driver, name = "pgx", pgtest.Need(t).Database(t)
		key := filepath.Join(base, "keyring.key")
		if err := keyring.CreateKeyFile(key); err != nil {
			t.Fatal(err)
		}
		p.shared = []string{"--database", name, "--keyring-key-file", key}
	}
	var err error
	if p.db, err = sql.Open(driver, name); err != nil {
		t.Fatal(err)
	}
	p.db.SetMaxIdleConns(0) // a killed service's file is opened by nobody but the next
	t.Cleanup(func() { _ = p.db.Close() })
	return p
}

// newPlace is one with an access key and a plan that suffices, where nothing runs.
func (w *world) newPlace(t *testing.T, database engine) *place {
	t.Helper()
	p := w.emptyPlace(t, database)
	first := p.launch(t)
	first.listening(t)
	p.newKey(t)
	p.run(t, "plan", "grant", "--count", "100000")
	root, err := p.client(t, first).Root(t.Context())
	if w.ca != nil {
		bundle := filepath.Join(filepath.Dir(p.path), "bundle.pem")
		if err := os.WriteFile(bundle, []byte(w.ca.Bundle), 0o600); err != nil {
			t.Fatal(err)
		}
		p.run(t, "issuer", "add", acmeIssuer, "--directory", w.ca.Directory, "--ca-bundle", bundle)
		root, err = w.ca.Root(t.Context(), 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	p.root.Store(root)
	first.stop(t)
	p.buried(first)
	return p
}

// launch starts a process on the first data directory.
func (p *place) launch(t *testing.T) *instance { return p.launchIn(t, p.path) }

// launchIn starts a process on a data directory of its own. It need not come up.
func (p *place) launchIn(t *testing.T, path string) *instance {
	t.Helper()
	flags := append([]string{"--data-dir", path}, append(p.world.flags(), p.shared...)...)
	p.launched = time.Now()
	life := launch(t, p.world.binary, p.failpoints, flags...)
	life.client = sync.OnceValues(func() (*client.Client, error) { return client.New(life.endpoint, p.credentials, nil) })
	p.mu.Lock()
	p.lives = append(p.lives, life)
	p.mu.Unlock()
	return life
}

// buried notes that a process has ended.
func (p *place) buried(life *instance) {
	life.buried = true
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lives = slices.DeleteFunc(p.lives, func(l *instance) bool { return l == life })
}

// running gives the processes that have begun to listen and are not frozen.
func (p *place) running() (up []*instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, life := range p.lives {
		if life.isUp() && !life.frozen.Load() {
			up = append(up, life)
		}
	}
	return up
}

// alive fails the test if a process ended that nobody killed.
func (p *place) alive(t *testing.T) {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, life := range p.lives {
		if life.isOver() {
			t.Fatalf("the service ended by itself: %s", life.cmd.ProcessState)
		}
	}
}

// call has any process do something, another one if that dies or has no time.
func (p *place) call(ctx context.Context, do func(context.Context, *client.Client) error) error {
	const (
		atMost = 5 * time.Second
		pause  = 30 * time.Millisecond
	)
	for {
		if up := p.running(); len(up) > 0 {
			life := up[rand.IntN(len(up))]
			c, err := life.client()
			if err != nil {
				return err
			}
			once, cancel := context.WithTimeout(ctx, atMost)
			stop := context.AfterFunc(life.life, cancel)
			err = do(once, c)
			stop()
			cancel()
			if final(err) {
				return err
			}
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// final tells whether there is no point in asking again. A cut connection is what
// this is about; a refusal, or a fault of the service, is not.
func final(err error) bool {
	var answer *client.Error
	var own *refusalError
	return err == nil || errors.As(err, &own) || errors.As(err, &answer) && answer.Status != http.StatusServiceUnavailable
}

// refusalError is an applicant's own.
type refusalError struct{ error }

func refusal(err error) error { return &refusalError{err} }

func (p *place) client(t *testing.T, i *instance) *client.Client {
	t.Helper()
	c, err := client.New(i.endpoint, p.credentials, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arm has a process die the n-th time from now on that it reaches the point.
func (p *place) arm(t *testing.T, point string, n int) {
	t.Helper()
	if err := failpoint.Arm(p.failpoints, point, n, failpoint.Kill); err != nil {
		t.Fatal(err)
	}
}

// newKey has the operator make an access key.
func (p *place) newKey(t *testing.T) {
	t.Helper()
	var accounts, plans []any
	for what, into := range map[string]*[]any{"account": &accounts, "plan": &plans} {
		if err := json.Unmarshal(p.run(t, what, "list", "--output", "json"), into); err != nil {
			t.Fatal(err)
		}
	}
	if len(accounts) != 1 || len(plans) != 1 {
		t.Fatalf("the first start left %d accounts and %d plans", len(accounts), len(plans))
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	if err := json.Unmarshal(p.run(t, "accesskey", "create", "--output", "json"), &key); err != nil {
		t.Fatal(err)
	}
	p.credentials = signature.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: signature.Secret(key.AccessKeySecret)}
}

// run runs an operator's command, which must succeed.
func (p *place) run(t *testing.T, args ...string) []byte {
	t.Helper()
	const atMost = 5 * time.Minute // the doctor opens all that is sealed, with the race detector, beside other tests
	ctx, cancel := context.WithTimeout(t.Context(), atMost)
	defer cancel()
	args = append(append(args, "--data-dir", p.path), p.shared...)
	output, err := command(ctx, p.world.binary, nil, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("chancery %v: %v\n%s", args, err, output)
	}
	return output
}

// doctor has the program's own auditor look at the data, be they dead or served.
func (p *place) doctor(t *testing.T) {
	t.Helper()
	var report store.Report
	if err := json.Unmarshal(p.run(t, "doctor", "--output", "json"), &report); err != nil {
		t.Fatal(err)
	}
	if report.Checks == 0 || len(report.Problems) > 0 {
		t.Fatalf("the doctor says %+v", report)
	}
}

// checkQuota compares the quota with the orders that there are.
func (p *place) checkQuota(t *testing.T, came []*applicant) {
	t.Helper()
	quota, err := p.client(t, p.running()[0]).DescribePackageState(t.Context(), cas.DescribePackageStateInput{})
	if err != nil {
		t.Fatal(err)
	}
	// The unit of a revoked order is back in the plan.
	if used := len(came) - revoked(came); quota.UsedCount != int64(used) || quota.IssuedCount != int64(len(came)) {
		t.Errorf("%d orders were issued and use %d units, the quota says %+v", len(came), used, *quota)
	}
}
