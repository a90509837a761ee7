package dcv

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chancery"
	"chancery/internal/zone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	host  = "www.example.test"
	token = "20261123120000abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmn"
	// secret stands in pages that must not be repeated.
	secret = "zebra-stripes"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

type fixedClock time.Time

func (c fixedClock) Now() time.Time { return time.Time(c) }

func newZone(t *testing.T) *zone.Server {
	t.Helper()
	z, err := zone.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = z.Close() })
	return z
}

// newLooker asks the given zones with little patience, and may fetch from
// 127.0.0.1 alone. No web server listens on its ports until a test names one.
func newLooker(t *testing.T, config Config, zones ...*zone.Server) *Looker {
	t.Helper()
	for _, z := range zones {
		config.Resolvers = append(config.Resolvers, z.Addr())
	}
	if config.Allow == nil {
		config.Allow = prefixes("127.0.0.1/32")
	}
	config.HTTPPort, config.HTTPSPort = orElse(config.HTTPPort, 1), orElse(config.HTTPSPort, 1)
	config.Clock = fixedClock(noon)
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	l.resolver.rounds = []time.Duration{200 * time.Millisecond, 300 * time.Millisecond}
	return l
}

// serve runs a web server on an address of its own and gives its port.
func serve(t *testing.T, addr string, handler http.HandlerFunc) int {
	t.Helper()
	return start(t, addr, handler, (*httptest.Server).Start)
}

func serveTLS(t *testing.T, addr string, handler http.HandlerFunc) int {
	t.Helper()
	return start(t, addr, handler, (*httptest.Server).StartTLS)
}

func start(t *testing.T, addr string, handler http.HandlerFunc, run func(*httptest.Server)) int {
	t.Helper()
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(handler)
	_ = server.Listener.Close()
	server.Listener = listener
	run(server)
	t.Cleanup(server.Close)
	return portNumber(listener.Addr())
}

// serveRaw runs a TCP server that says what it likes; talk must end when its
// connection breaks.
func serveRaw(t *testing.T, talk func(net.Conn)) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			talk(conn)
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = listener.Close(); <-ended })
	return portNumber(listener.Addr())
}

func portNumber(addr net.Addr) int {
	return int(netip.MustParseAddrPort(addr.String()).Port())
}

// say answers every request with a body.
func say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, body) }
}

func look(t *testing.T, l *Looker, method chancery.Method) (bool, []chancery.Evidence) {
	t.Helper()
	proved, evidence := l.Look(context.Background(), chancery.Validation{Name: host, Method: method, Token: token})
	checkEvidence(t, proved, evidence)
	return proved, evidence
}

// checkEvidence checks what holds for every look.
func checkEvidence(t *testing.T, proved bool, evidence []chancery.Evidence) {
	t.Helper()
	seen := false
	for _, e := range evidence {
		seen = seen || e.Finding == chancery.Seen
		text := fmt.Sprintf("%+v", e)
		if e.Where == "" || e.Finding == "" || !e.At.Equal(noon) || e.Count != 1 {
			t.Errorf("incomplete evidence: %s", text)
		}
		if strings.Contains(text, secret) {
			t.Errorf("evidence repeats what a server said: %s", text)
		}
		if strings.Trim(text, printableASCII) != "" {
			t.Errorf("evidence is not printable: %q", text)
		}
	}
	if seen != proved || len(evidence) == 0 {
		t.Errorf("proved is %v, evidence %+v", proved, evidence)
	}
}

var printableASCII = func() string {
	var all []byte
	for c := byte(' '); c <= '~'; c++ {
		all = append(all, c)
	}
	return string(all)
}()

// expect compares one piece of evidence; where and detail are parts of the texts.
func expect(t *testing.T, got chancery.Evidence, where string, finding chancery.Finding, detail string) {
	t.Helper()
	if got.Finding != finding || !strings.Contains(got.Where, where) || !strings.Contains(got.Detail, detail) {
		t.Errorf("found %q at %q (%s), want %q at %q (%s)", got.Finding, got.Where, got.Detail, finding, where, detail)
	}
}
