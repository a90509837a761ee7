package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"chancery"
	"chancery/keyring"
	"chancery/store"
)

var ctx = context.Background()

// noon is what the clock of every test shows.
var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type clock struct{}

func (clock) Now() time.Time { return noon }

// instance is an Admin on an empty store, and the socket that leads to it.
type instance struct {
	*Admin
	dataDir string
	socket  *Socket
}

func newInstance(t *testing.T) *instance {
	t.Helper()
	dir := t.TempDir()
	s, err := store.Open(ctx, filepath.Join(dir, "chancery.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	kek := chancery.NewSecret(bytes.Repeat([]byte{1}, 32))
	err = s.Unlock(ctx, keyring.Key(kek, "the test"))
	if err != nil {
		t.Fatal(err)
	}
	i := &instance{Admin: &Admin{Store: s, Catalogue: chancery.DefaultCatalogue(), Clock: clock{}}, dataDir: dir}
	i.socket = i.serve(t)
	return i
}

// serve answers on the socket until the test ends.
func (i *instance) serve(t *testing.T) *Socket {
	t.Helper()
	listener, err := Listen(ctx, i.dataDir)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: i.Admin}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	socket, running, err := Dial(ctx, i.dataDir)
	if err != nil || !running {
		t.Fatalf("Dial gave %t, %v", running, err)
	}
	t.Cleanup(socket.http.CloseIdleConnections)
	return socket
}

// ways are the two ways to call.
func (i *instance) ways() map[string]Caller {
	return map[string]Caller{"directly": i.Admin, "through the socket": i.socket}
}

// must calls and fails the test on an error.
func must[O any](t *testing.T, caller Caller, name string, in any) (out O) {
	t.Helper()
	if err := caller.Call(ctx, name, in, &out); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return out
}

// asJSON is what goes over the socket.
func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
