package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// SocketName is the Unix socket's file in the data directory, mode 0600 in a
// directory of mode 0700: only its owner (and root) can connect.
const SocketName = "admin.sock"

// Caller makes calls on an instance: directly (*Admin) or through its socket
// (*Socket).
type Caller interface {
	// Call runs the named call of the table. in is its input, out points to its output.
	Call(ctx context.Context, name string, in, out any) error
}

// Call implements Caller in this process.
func (a *Admin) Call(ctx context.Context, name string, in, out any) error {
	input, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing the input of %s: %w", name, err)
	}
	output, err := a.run(ctx, name, input)
	if err != nil {
		return err
	}
	return json.Unmarshal(output, out)
}

func (a *Admin) run(ctx context.Context, name string, input []byte) ([]byte, error) {
	do, known := calls()[name]
	if !known {
		return nil, fmt.Errorf("the running service does not know %q; is it of another version than this command?", name)
	}
	output, err := do(a, ctx, input)
	if err != nil {
		return nil, err
	}
	return json.Marshal(output)
}

// Listen makes the socket in the data directory, in place of one that a dead
// process left. The caller holds the lock on the database, so no live service
// has it.
func Listen(ctx context.Context, dataDir string) (net.Listener, error) {
	path := filepath.Join(dataDir, SocketName)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing the old admin socket: %w", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("making the admin socket (its path may have about 100 characters): %w", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

const maxCall = 1 << 20

// ServeHTTP serves POST /{call} on the socket.
func (a *Admin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/"+backupPath {
		a.serveBackup(w, r)
		return
	}
	input, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	output, err := a.run(r.Context(), r.URL.Path[1:], input)
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(output)
}

// Socket reaches a running service.
type Socket struct{ http *http.Client }

// Dial gives the running service of a data directory; ok is false when none is
// running there.
func Dial(ctx context.Context, dataDir string) (socket *Socket, ok bool, err error) {
	path := filepath.Join(dataDir, SocketName)
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "unix", path)
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, fmt.Errorf("reaching the running service: %w", err)
	}
	_ = conn.Close()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	return &Socket{http: &http.Client{Transport: transport}}, true, nil
}

// Call implements Caller over the socket.
func (s *Socket) Call(ctx context.Context, name string, in, out any) error {
	input, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("writing the input of %s: %w", name, err)
	}
	response, err := s.post(ctx, name, input)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	output, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("reading the running service's answer: %w", err)
	}
	return json.Unmarshal(output, out)
}

// post gives the answer to a call that went well.
func (s *Socket) post(ctx context.Context, name string, input []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://admin/"+name, bytes.NewReader(input))
	if err != nil {
		return nil, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, fmt.Errorf("asking the running service: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		return response, nil
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the running service's answer: %w", err)
	}
	return nil, errors.New(string(bytes.TrimSpace(text)))
}
