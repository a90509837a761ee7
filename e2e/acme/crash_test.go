package acme

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chancery/admin"
	"chancery/client"
	"chancery/internal/failpoint"
	"chancery/signature"
)

// rounds is how often the service dies at each point: CHANCERY_ACME_ROUNDS, and 1
// without it.
func rounds(t *testing.T) int {
	text := os.Getenv("CHANCERY_ACME_ROUNDS")
	if text == "" {
		return 1
	}
	n, err := strconv.Atoi(text)
	must(t, err)
	return n
}

// TestKillAtEverySavedStep kills the service as kill -9 does when it reaches a
// point, and starts it again. Every order goes on to its one certificate, and the CA
// made one for each.
func TestKillAtEverySavedStep(t *testing.T) {
	t.Parallel()
	binary, err := program()
	must(t, err)
	for _, point := range failpoint.ACMEPoints {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			d := newDirectory(t, binary)
			for n := range rounds(t) {
				d.round(t, fmt.Sprintf("%s:%d", point, 1+n%2), n)
			}
			d.atTheEnd(t)
		})
	}
}

// directory is a data directory and the processes that use it, one after another.
type directory struct {
	w      *world
	binary string
	path   string
	files  string
	orders int
	child  *child
}

// child is one life of the service.
type child struct {
	cmd      *exec.Cmd
	endpoint chan string
	ended    chan struct{}
	log      *logBuffer
}

func newDirectory(t *testing.T, binary string) *directory {
	t.Helper()
	short, err := os.MkdirTemp(buildDir, "") // the path of a socket must be short
	must(t, err)
	d := &directory{w: newWorld(t), binary: binary, path: filepath.Join(short, "d"), files: short}
	must(t, os.WriteFile(filepath.Join(short, "products.json"), []byte(products), 0o600))
	must(t, os.WriteFile(filepath.Join(short, "bundle.pem"), []byte(d.w.ca.Bundle), 0o600))
	d.launch(t, "")
	d.listening(t)
	d.operate(t, "issuer", "add", "pebble", "--directory", d.w.ca.Directory, "--ca-bundle", filepath.Join(short, "bundle.pem"))
	d.operate(t, "plan", "grant", "--product", "single", "--count", "1000")
	d.child.stop(t)
	return d
}

func (d *directory) launch(t *testing.T, point string) {
	t.Helper()
	c := &child{endpoint: make(chan string, 1), ended: make(chan struct{}), log: &logBuffer{}}
	ctx, cancel := context.WithCancel(context.Background())
	if deadline, ok := t.Deadline(); ok {
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-5*time.Second))
	}
	c.cmd = exec.CommandContext(ctx, d.binary, "serve", "--data-dir", d.path, "--listen", "127.0.0.1:0", "--metrics-listen", "off",
		"--log-format", "json", "--products", filepath.Join(d.files, "products.json"), "--ca-key", "ECC_256",
		"--credentials-out", filepath.Join(d.files, "credentials"), "--dcv-resolver", d.w.dns.Addr(), "--dcv-allow", "127.0.0.0/8",
		"--dcv-http-port", strconv.Itoa(d.w.web.port), "--dcv-https-port", "1", "--dcv-dns-port", "1")
	c.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.files, "GORACE=halt_on_error=1 atexit_sleep_ms=0", "CHANCERY_FAILPOINT=" + point}
	stderr, err := c.cmd.StderrPipe()
	must(t, err)
	must(t, c.cmd.Start())
	go c.read(stderr)
	t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.ended
		cancel()
		if t.Failed() {
			t.Logf("log with failpoint %q:\n%s", point, tail(c.log.String(), 2000))
		}
	})
	d.child = c
}

// read follows the log to its end.
func (c *child) read(stderr io.Reader) {
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		var line struct{ Msg, Endpoint string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			c.endpoint <- line.Endpoint
		}
		if !strings.Contains(lines.Text(), `"msg":"request"`) {
			_, _ = c.log.Write(append(lines.Bytes(), '\n'))
		}
	}
	_ = c.cmd.Wait()
	close(c.ended)
}

func (c *child) stop(t *testing.T) {
	t.Helper()
	must(t, c.cmd.Process.Signal(os.Interrupt))
	select {
	case <-c.ended:
	case <-time.After(patience):
		t.Fatal("the service does not end")
	}
	if status := c.cmd.ProcessState.ExitCode(); status != 0 {
		t.Errorf("the service ended with status %d", status)
	}
}

// listening waits for the service and gives it as an instance.
func (d *directory) listening(t *testing.T) *instance {
	t.Helper()
	var endpoint string
	select {
	case endpoint = <-d.child.endpoint:
	case <-d.child.ended:
		t.Fatalf("the service ended at once: %s", d.child.log)
	case <-time.After(patience):
		t.Fatal("the service does not listen")
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	for range 600 { // written after the service has begun to listen
		text, err := os.ReadFile(filepath.Join(d.files, "credentials"))
		if err == nil && json.Unmarshal(text, &key) == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	c, err := client.New(endpoint, signature.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: signature.Secret(key.AccessKeySecret)}, nil)
	must(t, err)
	return &instance{w: d.w, client: c}
}

func (d *directory) operate(t *testing.T, arguments ...string) string {
	t.Helper()
	cmd := exec.Command(d.binary, append(arguments, "--data-dir", d.path, "--products", filepath.Join(d.files, "products.json"))...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + d.files}
	output, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("chancery %v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

// round kills the service at a point and has the next one finish what it began.
func (d *directory) round(t *testing.T, point string, n int) {
	t.Helper()
	d.launch(t, point)
	first := d.listening(t)
	names := []string{fmt.Sprintf("a%d.example.test", n), fmt.Sprintf("b%d.example.test", n)}
	orders := make([]int64, len(names))
	for k, name := range names {
		orders[k] = first.tryToApply(name, []string{"DNS", "FILE"}[k], point)
	}
	for began := time.Now(); d.child.running(); time.Sleep(100 * time.Millisecond) {
		for _, order := range orders {
			first.tryToPublish(order)
		}
		if time.Since(began) > patience {
			t.Fatalf("the service does not reach %s", point)
		}
	}
	d.launch(t, "")
	second := d.listening(t)
	for k, name := range names {
		if again := second.tryToApply(name, []string{"DNS", "FILE"}[k], point); orders[k] == 0 {
			orders[k] = again
		} else if again != orders[k] && again != 0 {
			t.Errorf("%s is order %d and then %d", name, orders[k], again)
		}
		second.issued(t, orders[k], name)
	}
	d.orders += len(orders)
	d.child.stop(t)
}

func (c *child) running() bool {
	select {
	case <-c.ended:
		return false
	default:
		return true
	}
}

// tryToApply applies under a token of its own, so that the same application again
// gets the same order; 0 if the service is gone.
func (i *instance) tryToApply(name, method, round string) int64 {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	made, err := i.client.CreateCertificateForPackageRequest(ctx, application(name, method, name+round))
	if err != nil {
		return 0
	}
	return made.OrderId
}

func (i *instance) tryToPublish(order int64) {
	if order == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if state, err := i.client.DescribeCertificateState(ctx, verbose(order)); err == nil {
		i.w.publish(state.Proofs)
	}
}

// atTheEnd compares what the CA made with what was ordered, and asks the doctor.
func (d *directory) atTheEnd(t *testing.T) {
	t.Helper()
	if made := strings.Count(d.w.ca.Log(), "Issued certificate serial"); made != d.orders {
		t.Errorf("the CA made %d certificates for %d orders", made, d.orders)
	}
	if said := d.operate(t, "doctor"); !strings.HasPrefix(said, "clean: ") {
		t.Errorf("the doctor says %s", said)
	}
	var issuers []admin.Issuer
	must(t, json.Unmarshal([]byte(d.operate(t, "issuer", "list", "--output", "json")), &issuers))
	if len(issuers) != 1 || issuers[0].OpenOrders != 0 {
		t.Errorf("the issuers at the end are %+v", issuers)
	}
}
