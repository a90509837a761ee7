package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take that should happen soon, on a busy
// machine with the race detector.
const patience = 45 * time.Second

// process is a child that is killed and waited for when its test ends, however
// it ends.
type process struct {
	cmd            *exec.Cmd
	stdin          io.WriteCloser
	stdout, stderr *output
	ended          chan struct{} // closed once it was waited for
	patience       time.Duration // how long await waits
}

// output collects what a child writes.
type output struct {
	mu   sync.Mutex
	text []byte // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text = append(o.text, p...)
	return len(p), nil
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return string(o.text)
}

// spawn starts a child. It sees nothing of this process's environment but PATH
// and what is given. The race detector's programs would else rest for a second
// before they end.
func spawn(t testing.TB, environment []string, name string, arguments ...string) *process {
	t.Helper()
	cmd := exec.CommandContext(lifetime, name, arguments...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(program), "GORACE=atexit_sleep_ms=0"}, environment...)
	p := &process{cmd: cmd, stdout: &output{}, stderr: &output{}, ended: make(chan struct{}), patience: patience}
	cmd.Stdout, cmd.Stderr = p.stdout, p.stderr
	var err error
	if p.stdin, err = cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.ended)
		_ = cmd.Wait() // its outcome is in cmd.ProcessState
	}()
	t.Cleanup(p.kill)
	return p
}

// kill ends the child as kill -9 does, if it still runs, and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}

// terminate asks the child to end.
func (p *process) terminate(t testing.TB) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("SIGTERM: %v", err)
	}
}

// wait waits for the child to end by itself and gives its exit status. A child
// that takes too long is killed.
func (p *process) wait(t testing.TB, atMost time.Duration) int {
	t.Helper()
	select {
	case <-p.ended:
	case <-time.After(atMost):
		t.Errorf("%s has not ended within %v and is killed", p.cmd.Path, atMost)
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) running() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// await waits for a line of JSON in the output whose field has the value, and
// reads it into a struct.
func (p *process) await(t testing.TB, from *output, field, value string, into any) {
	t.Helper()
	for deadline := time.Now().Add(p.patience); ; time.Sleep(10 * time.Millisecond) {
		// Asked before the output is read: what a child wrote last counts.
		over := !p.running() || time.Now().After(deadline) || lifetime.Err() != nil
		if line(t, from.String(), field, value, into) {
			return
		}
		if over {
			t.Fatalf("%v: no line with %s=%s in time; running %v\nstdout:\n%s\nstderr:\n%s",
				p.cmd.Args, field, value, p.running(), tail(p.stdout.String(), 4<<10), tail(p.stderr.String(), 4<<10))
		}
	}
}

// line finds such a line in a text.
func line(t testing.TB, text, field, value string, into any) bool {
	t.Helper()
	for one := range strings.Lines(text) {
		var fields map[string]any
		if json.Unmarshal([]byte(one), &fields) != nil || fields[field] != value {
			continue
		}
		if err := json.Unmarshal([]byte(one), into); err != nil {
			t.Fatalf("reading %s: %v", one, err)
		}
		return true
	}
	return false
}

// result is what a finished child left.
type result struct {
	status         int
	stdout, stderr string
}

// finish runs a child to its end.
func finish(t testing.TB, environment []string, name string, arguments ...string) result {
	t.Helper()
	p := spawn(t, environment, name, arguments...)
	_ = p.stdin.Close()
	return result{p.wait(t, patience), p.stdout.String(), p.stderr.String()}
}

// eventually polls until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) || lifetime.Err() != nil {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// tail is the end of a long text.
func tail(text string, most int) string { return text[max(0, len(text)-most):] }

// soon bounds one call.
func soon(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(lifetime, patience)
	t.Cleanup(cancel)
	return ctx
}
