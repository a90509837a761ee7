package crash

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"chancery/client"
	"chancery/internal/failpoint"
)

// patience bounds every wait.
const patience = 45 * time.Second

var buildDir string

// runAndClean runs the tests and removes the program that they built.
func runAndClean(m *testing.M) int {
	var err error
	if buildDir, err = os.MkdirTemp("", "chancery-crash-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(buildDir) }()
	return m.Run()
}

// program is the path of the service's binary, built once with its named points
// and the race detector.
var program = sync.OnceValues(func() (string, error) {
	binary := filepath.Join(buildDir, "chancery")
	output, err := exec.Command("go", "build", "-race", "-tags", "failpoint", "-o", binary, "chancery/cmd/chancery").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("building the service: %w\n%s", err, output)
	}
	return binary, nil
})

// shortTempDir is like t.TempDir with a path that leaves room for the admin
// socket's name, which the system bounds.
func shortTempDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp(buildDir, "")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// command is the program with a clean environment. A data race ends it at once
// with a status of its own.
func command(ctx context.Context, binary string, environment []string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Env = append([]string{"GORACE=halt_on_error=1 atexit_sleep_ms=0", "HOME=" + buildDir, "PATH=" + os.Getenv("PATH")}, environment...)
	return cmd
}

// instance is one life of the service's process.
type instance struct {
	endpoint, metrics string          // once up
	up                chan struct{}   // closed when it listens
	life              context.Context // ends with the process
	frozen            atomic.Bool     // as far as the test knows
	client            func() (*client.Client, error)

	ctx    context.Context // the longest that the process may live
	cmd    *exec.Cmd
	log    *logWatch
	ended  chan struct{} // closed when the process has ended and was waited for
	killed bool          // by this test, not by itself
	buried bool          // it ended as it should, and its log tells nothing
	file   string        // that arms a point
}

// launch starts `chancery serve`; it need not come up. The process never
// outlives the test.
func launch(t *testing.T, binary, failpoints string, args ...string) *instance {
	t.Helper()
	i := &instance{up: make(chan struct{}), ended: make(chan struct{}), file: failpoints}
	i.log = &logWatch{listening: func(endpoint, metrics string) {
		i.endpoint, i.metrics = endpoint, metrics
		close(i.up)
	}}
	var cancel, over context.CancelFunc
	i.ctx, cancel = beforeDeadline(t)
	t.Cleanup(cancel)
	i.life, over = context.WithCancel(context.Background())
	i.cmd = command(i.ctx, binary, []string{"CHANCERY_FAILPOINT=" + failpoints}, append([]string{
		"serve", "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--log-format", "json",
	}, args...)...)
	i.cmd.Stderr = i.log
	if err := i.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(i.ended)
		defer over()
		_ = i.cmd.Wait() // what it says is in ProcessState
	}()
	t.Cleanup(func() {
		i.kill()
		if t.Failed() && !i.buried {
			t.Logf("log of a service that ended with %s:\n%s", i.cmd.ProcessState, i.log.tail())
		}
	})
	return i
}

// beforeDeadline ends a little before `go test` would end this process and leave
// its children behind.
func beforeDeadline(t *testing.T) (context.Context, context.CancelFunc) {
	deadline, ok := t.Deadline()
	if !ok {
		return context.WithCancel(context.Background())
	}
	const grace = 5 * time.Second
	return context.WithDeadline(context.Background(), deadline.Add(-grace))
}

// listening waits until the process listens.
func (i *instance) listening(t *testing.T) {
	t.Helper()
	select {
	case <-i.up:
	case <-i.ended:
		t.Fatalf("the service ended while it started: %s", i.cmd.ProcessState)
	case <-time.After(patience):
		t.Fatalf("the service did not start within %s", patience)
	}
}

func (i *instance) isUp() bool   { return isClosed(i.up) && !i.isOver() }
func (i *instance) isOver() bool { return isClosed(i.ended) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// kill is kill -9.
func (i *instance) kill() {
	select {
	case <-i.ended:
		return
	default:
	}
	i.killed = true
	_ = i.cmd.Process.Kill()
	<-i.ended
}

// awaitDeath waits for the process to kill itself at the point.
func (i *instance) awaitDeath(t *testing.T, point string) {
	t.Helper()
	select {
	case <-i.ended:
	case <-time.After(patience):
		t.Fatalf("the point %s was not reached within %s", point, patience)
	}
	status, ok := i.cmd.ProcessState.Sys().(syscall.WaitStatus)
	_, err := os.Stat(failpoint.Acted(i.file))
	if i.killed || i.ctx.Err() != nil || !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL || err != nil {
		t.Fatalf("the service ended otherwise than by SIGKILL at %s: %s, %v", point, i.cmd.ProcessState, err)
	}
}

// stop asks the service to finish what is in hand and end, which must succeed.
func (i *instance) stop(t *testing.T) {
	t.Helper()
	if err := i.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	select {
	case <-i.ended:
	case <-time.After(patience):
		t.Fatalf("the service did not stop within %s", patience)
	}
	if !i.cmd.ProcessState.Success() {
		t.Fatalf("the service ended with %s", i.cmd.ProcessState)
	}
}

// logWatch keeps the log, and passes the endpoint on when it appears.
type logWatch struct {
	listening func(endpoint, metrics string)

	mu   sync.Mutex // guards text
	text bytes.Buffer
	line []byte // the unfinished one; of the one goroutine that writes
}

func (w *logWatch) Write(text []byte) (int, error) {
	w.line = append(w.line, text...)
	for {
		line, rest, whole := bytes.Cut(w.line, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		w.line = rest
		if bytes.Contains(line, []byte(`"msg":"request"`)) && bytes.Contains(line, []byte(`"level":"INFO"`)) {
			continue
		}
		w.mu.Lock()
		w.text.Write(append(line, '\n'))
		w.mu.Unlock()
		var event struct{ Msg, Endpoint, Metrics string }
		if json.Unmarshal(line, &event) == nil && event.Msg == "listening" {
			w.listening(event.Endpoint, event.Metrics)
		}
	}
}

// tail is the end of the log, of a length that a person reads.
func (w *logWatch) tail() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	const enough = 6 << 10
	text := w.text.String()
	if len(text) > enough {
		text = "...\n" + text[strings.IndexByte(text[len(text)-enough:], '\n')+len(text)-enough+1:]
	}
	return text
}
