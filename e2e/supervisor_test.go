package e2e

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What a supervisor and a load balancer are told: ready once it serves, not ready
// from the moment that it is told to stop, and still serving for --stop-delay.
func TestWhatASupervisorIsTold(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "notify")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	told := func(want string) {
		t.Helper()
		text := make([]byte, 64)
		_ = socket.SetReadDeadline(time.Now().Add(patience))
		if n, err := socket.Read(text); err != nil || string(text[:n]) != want {
			t.Fatalf("the supervisor is told %q, %v; want %q", text[:n], err, want)
		}
	}
	s := newService(t, "--products", file(t, "products.json", lightProducts), "--stop-delay", "1h")
	s.process = spawn(t, []string{"NOTIFY_SOCKET=" + path}, program, s.flags...)
	s.listening(t)
	told("READY=1")
	check := func() result {
		return finish(t, []string{"CHANCERY_METRICS_LISTEN=" + strings.TrimPrefix(s.metrics, "http://")}, program, "healthcheck")
	}
	if done := check(); done.status != 0 {
		t.Errorf("healthcheck ended with status %d: %s", done.status, done.stderr)
	}
	s.terminate(t)
	told("STOPPING=1")
	eventually(t, "it is not ready", func() bool { status, _ := get(t, s.metrics+"/readyz"); return status == 503 })
	if done := check(); done.status != 1 || !strings.Contains(done.stderr, "not ready: HTTP 503: the service stops") {
		t.Errorf("healthcheck ended with status %d: %s", done.status, done.stderr)
	}
	if status, _ := get(t, s.endpoint+"/ca/root.pem"); status != 200 {
		t.Errorf("while it turns requests away it answers HTTP %d", status)
	}
	s.terminate(t) // a second one ends at once
	if s.wait(t, patience) == 0 {
		t.Error("the second signal was not felt")
	}
	if done := check(); done.status != 1 || !strings.Contains(done.stderr, "does not answer") {
		t.Errorf("healthcheck ended with status %d: %s", done.status, done.stderr)
	}
}
