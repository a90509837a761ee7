package admin

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

func TestOnlyTheOwnerReachesTheSocket(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0)) // a lax environment must not matter
	i := newInstance(t)
	info, err := os.Stat(filepath.Join(i.dataDir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Type() != os.ModeSocket || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %s", info.Mode())
	}
}

func TestDialWhereNothingListens(t *testing.T) {
	dir := t.TempDir()
	notRunning := func(why string) {
		t.Helper()
		if socket, running, err := Dial(ctx, dir); socket != nil || running || err != nil {
			t.Errorf("%s: %v, %t, %v", why, socket, running, err)
		}
	}
	notRunning("an empty directory")
	leaveStaleSocket(t, dir)
	notRunning("a socket of a dead process")
	if err := os.Remove(filepath.Join(dir, SocketName)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, SocketName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	notRunning("a file that is no socket")
	dir = filepath.Join(dir, "none")
	notRunning("no directory")
}

// leaveStaleSocket leaves what a killed process leaves.
func leaveStaleSocket(t *testing.T, dir string) {
	t.Helper()
	listener, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		t.Fatal(err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, SocketName)); err != nil {
		t.Fatal(err)
	}
}

func TestDialFails(t *testing.T) {
	dir := t.TempDir()
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, running, err := Dial(cancelled, dir); running || !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %t, %v", running, err)
	}
	tooLong := filepath.Join(dir, strings.Repeat("long/", 40))
	if _, running, err := Dial(ctx, tooLong); running || err == nil {
		t.Errorf("a path too long for a socket: %t, %v", running, err)
	}
	if _, err := Listen(ctx, tooLong); err == nil || !strings.Contains(err.Error(), "about 100 characters") {
		t.Errorf("listening there: %v", err)
	}
}

func TestListenTakesTheDeadOnesPlace(t *testing.T) {
	dir := t.TempDir()
	leaveStaleSocket(t, dir)
	listener, err := Listen(ctx, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, running, err := Dial(ctx, dir); !running || err != nil {
		t.Errorf("Dial gave %t, %v", running, err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, SocketName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("closing leaves the file: %v", err)
	}
}

func TestInputThatTheSocketRefuses(t *testing.T) {
	i := newInstance(t)
	for _, c := range []struct {
		name   string
		input  []byte
		status int
		why    string
	}{
		{"too long", bytes.Repeat([]byte(" "), maxCall+1), http.StatusBadRequest, "too large"},
		{"as long as may be", append(bytes.Repeat([]byte(" "), maxCall-2), "{}"...), http.StatusOK, `"accountId"`},
		{"none", nil, http.StatusUnprocessableEntity, "reading the input"},
		{"no JSON", []byte("name=x"), http.StatusUnprocessableEntity, "reading the input"},
		{"two values", []byte("{}{}"), http.StatusUnprocessableEntity, "reading the input"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := i.socket.http.Post("http://admin/account.create", "application/json", bytes.NewReader(c.input))
			if err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			var body bytes.Buffer
			_, _ = body.ReadFrom(response.Body)
			if response.StatusCode != c.status || !strings.Contains(body.String(), c.why) {
				t.Errorf("%d: %s", response.StatusCode, body.String())
			}
		})
	}
	big := NewAccount{Name: strings.Repeat("x", maxCall)}
	if err := i.socket.Call(ctx, "account.create", big, &Account{}); err == nil {
		t.Error("Call sent too long an input")
	}
}

func TestCallsThatCannotBeMade(t *testing.T) {
	i := newInstance(t)
	for way, caller := range i.ways() {
		if err := caller.Call(ctx, "account.list", make(chan int), nil); err == nil || !strings.Contains(err.Error(), "writing the input of account.list") {
			t.Errorf("%s, an input that is no JSON: %v", way, err)
		}
		var wrong []int
		if err := caller.Call(ctx, "account.create", NewAccount{}, &wrong); err == nil {
			t.Errorf("%s, an output of another type was filled: %v", way, wrong)
		}
		cancelled, cancel := context.WithCancel(ctx)
		cancel()
		if err := caller.Call(cancelled, "account.list", Nothing{}, &[]Account{}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s, a context that has ended: %v", way, err)
		}
	}
}

func TestNothingIsLeftRunning(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Run("an instance", func(t *testing.T) {
		i := newInstance(t)
		must[Account](t, i.socket, "account.create", NewAccount{})
	})
	goleak.VerifyNone(t, before)
}
