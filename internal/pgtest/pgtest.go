// Package pgtest runs a real PostgreSQL for the tests of a package: one server in a
// temporary directory, reached by a Unix socket alone, with a database for each test
// that asks for one.
//
// A package that uses it ends its TestMain with Stop.
package pgtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
)

// Server is a running PostgreSQL.
type Server struct {
	dir      string
	settings []string // as max_connections=40
	command  *exec.Cmd
	owner    *syscall.Credential // nil: who runs the tests
	ended    chan struct{}
	made     atomic.Int64
	spare    chan string // databases that Lend made and no test has
}

// errMissing means that PostgreSQL is not installed.
var errMissing = errors.New("PostgreSQL 15 is not installed")

var (
	start = sync.OnceValues(func() (*Server, error) { return newServer() })
	began atomic.Bool
)

// Need gives the package's server, which the first call starts. Where PostgreSQL is
// not installed the test is skipped, or fails where all tests are to run.
func Need(t testing.TB) *Server {
	t.Helper()
	began.Store(true)
	server, err := start()
	if errors.Is(err, errMissing) && os.Getenv("CHANCERY_TEST_ALL") != "1" {
		t.Skipf("%v; `make test` installs it", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// Own starts a server for one test, which may stop and kill it. It may have settings of
// its own, as max_connections=40.
func Own(t testing.TB, settings ...string) *Server {
	t.Helper()
	if _, err := binary("postgres"); err != nil {
		Need(t) // says what that means
	}
	server, err := newServer(settings...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server
}

// New starts a server for a program that is no test; its Close ends and removes it.
func New() (*Server, error) { return newServer() }

// Close ends the server at once and removes all it had.
func (s *Server) Close() {
	s.Kill()
	_ = os.RemoveAll(s.dir)
}

// Pid is the process that all of the server's processes are children of.
func (s *Server) Pid() int { return s.command.Process.Pid }

// Stop ends the package's server if one was started.
func Stop() {
	if !began.Load() {
		return
	}
	if server, err := start(); err == nil {
		server.Close()
	}
}

// binary finds one of PostgreSQL's programs where Debian has it.
func binary(name string) (string, error) {
	path := filepath.Join("/usr/lib/postgresql/15/bin", name)
	if _, err := os.Stat(path); err != nil {
		return "", errMissing
	}
	return path, nil
}

func newServer(settings ...string) (*Server, error) {
	initdb, err := binary("initdb")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "pg") // a socket's path is short
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, settings: settings, spare: make(chan string, 64)}
	if err := s.chown(); err != nil {
		return nil, err
	}
	//nolint:gosec // the path is a constant
	command := exec.CommandContext(context.Background(), initdb, "--pgdata", s.data(), "--username", "chancery", "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
	command.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner}
	command.Dir = dir
	if output, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("initdb: %w\n%s", err, output)
	}
	return s, s.Start()
}

// chown has PostgreSQL run as its own user, since it refuses to be root.
func (s *Server) chown() error {
	if os.Getuid() != 0 {
		return nil
	}
	owner, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("finding the user that PostgreSQL runs as: %w", err)
	}
	uid, err := strconv.ParseUint(owner.Uid, 10, 32)
	if err != nil {
		return err
	}
	gid, err := strconv.ParseUint(owner.Gid, 10, 32)
	if err != nil {
		return err
	}
	s.owner = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(s.dir, int(uid), int(gid))
}

// Give lets the server have a directory.
func (s *Server) Give(dir string) error {
	if s.owner == nil {
		return nil
	}
	return os.Chown(dir, int(s.owner.Uid), int(s.owner.Gid))
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Start starts the server, also again after it was stopped or killed, and waits until
// it answers.
func (s *Server) Start() error {
	patience, cancel := context.WithTimeout(context.Background(), startTime)
	defer cancel()
	for {
		if err := s.launch(); err != nil {
			return err
		}
		err := s.await(patience)
		// After Crash, what the dead server's own processes still have in hand keeps it from starting.
		if !errors.Is(err, errEnded) || patience.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (s *Server) launch() error {
	postgres, err := binary("postgres")
	if err != nil {
		return err
	}
	arguments := []string{"-D", s.data(), "-k", s.dir, "-c", "listen_addresses=", "-c", "max_connections=400", "-c", "shared_buffers=64MB"}
	for _, setting := range s.settings {
		arguments = append(arguments, "-c", setting)
	}
	s.command = exec.CommandContext(context.Background(), postgres, arguments...) //nolint:gosec // the path is a constant
	s.command.Dir = s.dir
	// It must not outlive the tests, however they end.
	s.command.SysProcAttr = &syscall.SysProcAttr{Credential: s.owner, Pdeathsig: syscall.SIGQUIT}
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	s.command.Stdout, s.command.Stderr = log, log
	s.ended = make(chan struct{})
	started := make(chan error)
	go func() {
		defer close(s.ended)
		defer func() { _ = log.Close() }()
		// The signal is sent when the thread ends that started the process.
		runtime.LockOSThread()
		err := s.command.Start()
		started <- err
		if err == nil {
			_ = s.command.Wait()
		}
	}()
	return <-started
}

const startTime = 30 * time.Second

// errEnded: the server ended before it answered.
var errEnded = errors.New("PostgreSQL ended at once")

func (s *Server) await(patience context.Context) error {
	var err error
	for err == nil {
		if s.Exec("SELECT 1") == nil {
			return nil
		}
		select {
		case <-s.ended:
			err = errEnded
		case <-patience.Done():
			err = errors.New("PostgreSQL does not answer")
		case <-time.After(50 * time.Millisecond):
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return fmt.Errorf("%w:\n%s", err, log[max(0, len(log)-4<<10):])
}

// Stop ends the server as an administrator does who does not wait for clients.
func (s *Server) Stop() { s.end(syscall.SIGINT) }

// Crash is kill -9 of the server's first process: the others find out by themselves.
func (s *Server) Crash() { s.end(syscall.SIGKILL) }

// Kill ends the server at once, as a crash does.
func (s *Server) Kill() { s.end(syscall.SIGQUIT) }

func (s *Server) end(signal syscall.Signal) {
	_ = s.command.Process.Signal(signal)
	<-s.ended
}

// Socket is the Unix socket on which the server listens.
func (s *Server) Socket() string { return filepath.Join(s.dir, ".s.PGSQL.5432") }

// URL names one of the server's databases.
func (s *Server) URL(database string) string {
	return fmt.Sprintf("postgres:///%s?host=%s&user=chancery", database, s.dir)
}

// Host is the directory of the server's socket, as PGHOST takes it.
func (s *Server) Host() string { return s.dir }

// Database makes an empty database and drops it at the end of the test.
func (s *Server) Database(t testing.TB) (url string) {
	t.Helper()
	return s.Copy(t, "template0")
}

// Copy makes a database like another one, to which nobody may be connected.
func (s *Server) Copy(t testing.TB, of string) (url string) {
	t.Helper()
	name := fmt.Sprintf("test%d", s.made.Add(1))
	if err := s.Exec(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, of)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Exec(fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", name)); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

// Lend gives a database like another one that no test has at the moment: empty is run
// on it when the test ends, and the next test gets it. To make one takes much longer.
func (s *Server) Lend(t testing.TB, of, empty string) (url string) {
	t.Helper()
	var name string
	select {
	case name = <-s.spare:
	default:
		name = fmt.Sprintf("lent%d", s.made.Add(1))
		if err := s.Exec(fmt.Sprintf("CREATE DATABASE %s TEMPLATE %s", name, of)); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if err := s.execOn(name, empty); err != nil {
			t.Error(err)
			return
		}
		select {
		case s.spare <- name:
		default:
		}
	})
	return s.URL(name)
}

// Create makes a database that is not dropped.
func (s *Server) Create(name string) error {
	return s.Exec("CREATE DATABASE " + name + " TEMPLATE template0")
}

// Exec runs a statement in the database postgres.
func (s *Server) Exec(statement string) error { return s.execOn("postgres", statement) }

func (s *Server) execOn(database, statement string) error {
	db, err := sql.Open("pgx", s.URL(database))
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	_, err = db.ExecContext(context.Background(), statement)
	return err
}

// Running is the server after Need.
func Running() *Server {
	server, err := start()
	if err != nil {
		panic(err)
	}
	return server
}
