package e2e

import (
	"cmp"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery/client"
	"chancery/internal/zone"
	"chancery/signature"
)

// service is `chancery serve` with a data directory, a DNS server and a web
// server of its own. At the end of its test it is stopped, and the doctor must
// find its data clean.
type service struct {
	*process
	binary string // another version of the program, or none
	dir    string // the data directory
	flags  []string
	// environment is what the process has besides PATH.
	environment []string
	// operator are flags that its operator's commands need besides the data directory.
	operator []string
	dns      *zone.Server
	web      *site

	endpoint, metrics string                // of the newest start
	key               signature.Credentials // the first account's
	past              []*process            // earlier starts
	// overloaded says that it may ask to be called again, and that its own work may wait too.
	overloaded bool
}

// start makes a new service with the built-in products.
func start(t testing.TB, flags ...string) *service {
	t.Helper()
	s := newService(t, flags...)
	s.launch(t)
	t.Cleanup(func() { s.examine(t) })
	s.key = s.readCredentials(t, s.credentials())
	return s
}

// newService makes a service that does not run yet.
func newService(t testing.TB, flags ...string) *service {
	t.Helper()
	dns, err := zone.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dns.Close() })
	s := &service{dir: filepath.Join(t.TempDir(), "data"), dns: dns, web: startSite(t)}
	s.flags = append([]string{
		"serve", "--data-dir", s.dir, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
		"--credentials-out", filepath.Join(t.TempDir(), "credentials.json"), "--log-format", "json",
		"--dcv-resolver", dns.Addr(), "--dcv-allow", "127.0.0.1/32",
		"--dcv-http-port", s.web.httpPort, "--dcv-https-port", s.web.httpsPort,
	}, flags...)
	return s
}

// set changes the value of one of the service's flags.
func (s *service) set(flag, value string) { s.flags[slices.Index(s.flags, flag)+1] = value }

// credentials is the file that the first access key is written to.
func (s *service) credentials() string {
	return s.flags[slices.Index(s.flags, "--credentials-out")+1]
}

// lightProducts is a catalogue with keys that are quick to make.
const lightProducts = `[
	{"code": "digicert-free-1-free", "lifetimeDays": 90, "termDays": 365, "keyAlgorithm": "ECC_256"},
	{"code": "single", "lifetimeDays": 90, "keyAlgorithm": "ECC_256"},
	{"code": "wildcard", "wildcard": true, "lifetimeDays": 90, "keyAlgorithm": "ECC_256"}
]`

// startLight is start with quick products, for tests that are not about keys.
func startLight(t testing.TB, flags ...string) *service {
	t.Helper()
	return start(t, append([]string{"--products", file(t, "products.json", lightProducts)}, flags...)...)
}

// launch starts the process and waits until it listens.
func (s *service) launch(t testing.TB) {
	t.Helper()
	if s.process != nil {
		s.past = append(s.past, s.process)
	}
	s.spawn(t)
	s.listening(t)
}

// spawn starts the process.
func (s *service) spawn(t testing.TB) {
	t.Helper()
	s.process = spawn(t, s.environment, cmp.Or(s.binary, program), s.flags...)
}

// listening waits until it listens.
func (s *service) listening(t testing.TB) {
	t.Helper()
	var listening struct{ Endpoint, Metrics string }
	s.await(t, s.stderr, "msg", "listening", &listening)
	s.endpoint, s.metrics = listening.Endpoint, listening.Metrics
}

// readCredentials waits for the first account, which is made after the service
// has begun to listen.
func (s *service) readCredentials(t testing.TB, path string) signature.Credentials {
	t.Helper()
	var key struct{ AccessKeyID, AccessKeySecret, AccountID, Endpoint string }
	eventually(t, "the first access key is written to "+path, func() bool {
		text, err := os.ReadFile(path)
		return err == nil && json.Unmarshal(text, &key) == nil
	})
	if key.Endpoint != s.endpoint || len(key.AccountID) != 16 {
		t.Errorf("the credentials name endpoint %q and account %q; the service listens on %q", key.Endpoint, key.AccountID, s.endpoint)
	}
	return signature.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: signature.Secret(key.AccessKeySecret)}
}

// stop ends the service as an operator does; it must end well.
func (s *service) stop(t testing.TB) {
	t.Helper()
	s.terminate(t)
	s.endWell(t)
}

// endWell waits for the service to end after it was told to.
func (s *service) endWell(t testing.TB) {
	t.Helper()
	if status := s.wait(t, 25*time.Second); status != 0 {
		t.Errorf("the service ended with status %d\n%s", status, tail(s.stderr.String(), 4<<10))
	}
}

// examine is the end of every test.
func (s *service) examine(t testing.TB) {
	t.Helper()
	if s.running() {
		s.stop(t)
	}
	for _, p := range append(s.past, s.process) {
		text := p.stderr.String()
		if strings.Contains(text, "DATA RACE") {
			t.Errorf("the race detector spoke:\n%s", text)
		}
		for line := range strings.Lines(text) {
			if s.overloaded && (strings.Contains(line, `"code":"ServiceUnavailable"`) || strings.Contains(line, `"error":"ServiceUnavailable: the database does not answer`)) {
				continue
			}
			if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "background step failed") {
				t.Errorf("the log has a fault of the service: %s", line)
			}
		}
	}
	doctor := s.command(t, "doctor")
	if doctor.status != 0 || !strings.HasPrefix(doctor.stdout, "clean: ") {
		t.Errorf("the doctor found problems, status %d\n%s%s", doctor.status, doctor.stdout, doctor.stderr)
	}
	if t.Failed() {
		t.Logf("log of the service:\n%s", tail(s.stderr.String(), 4<<10))
	}
}

// command runs an operator's command on the data directory.
func (s *service) command(t testing.TB, arguments ...string) result {
	t.Helper()
	return finish(t, nil, program, append(append(arguments, "--data-dir", s.dir), s.operator...)...)
}

// operate is command for one that must succeed; it reads its JSON output.
func (s *service) operate(t testing.TB, into any, arguments ...string) {
	t.Helper()
	done := s.command(t, append(arguments, "--output", "json")...)
	if done.status != 0 {
		t.Fatalf("chancery %v ended with status %d: %s", arguments, done.status, done.stderr)
	}
	if err := json.Unmarshal([]byte(done.stdout), into); err != nil {
		t.Fatalf("chancery %v: %v\n%s", arguments, err, done.stdout)
	}
}

// client is our own client with a key.
func (s *service) client(t testing.TB, key signature.Credentials) *client.Client {
	t.Helper()
	c, err := client.New(s.endpoint, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// get fetches a page of the service without signing.
func get(t testing.TB, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(soon(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// file writes a file of its own for the test, for its owner alone.
func file(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
