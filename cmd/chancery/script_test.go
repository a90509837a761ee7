package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"chancery"
	"chancery/internal/zone"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"chancery": main})
}

// TestScripts tells what the program does in scripts that a user could read. In
// them `exec chancery` is the program itself, as a process of its own; the
// commands that testscript does not have are those of scriptCommands.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "script"),
		Setup:              surround,
		Cmds:               scriptCommands,
		RequireUniqueNames: true,
	})
}

// surroundings are what stands around the program in one script.
type surroundings struct {
	dns *zone.Server
	web *httptest.Server

	mu       sync.Mutex        // guards files
	files    map[string]string // the proof by host name
	children map[string]*child // in the background; of the script's own goroutine
}

type surroundingsKey struct{}

// surround starts a DNS server and a web server for the script and sets its
// environment: a configuration that uses them and no fixed port, and a catalogue
// as the built-in one with keys that are made quickly.
func surround(env *testscript.Env) error {
	s := &surroundings{files: map[string]string{}, children: map[string]*child{}}
	var err error
	if s.dns, err = zone.Start("127.0.0.1:0"); err != nil {
		return err
	}
	s.web = httptest.NewServer(s)
	env.Values[surroundingsKey{}] = s
	env.Defer(func() {
		s.web.Close()
		_ = s.dns.Close()
	})
	_, webPort, err := net.SplitHostPort(s.web.Listener.Addr().String())
	if err != nil {
		return err
	}
	products := filepath.Join(env.WorkDir, "products.json")
	for name, value := range map[string]string{
		"WEB":                    s.web.URL,
		"GORACE":                 "atexit_sleep_ms=0", // else every command of a -race run takes a second
		"TZ":                     "UTC",
		"CHANCERY_DATA_DIR":      "data",
		"CHANCERY_LISTEN":        "127.0.0.1:0",
		"CHANCERY_DCV_RESOLVER":  s.dns.Addr(),
		"CHANCERY_DCV_ALLOW":     "127.0.0.0/8",
		"CHANCERY_DCV_HTTP_PORT": webPort,
		"CHANCERY_PRODUCTS":      products,
		// A port that may be taken is no matter of these scripts.
		"CHANCERY_METRICS_LISTEN": "off",
	} {
		env.Setenv(name, value)
	}
	return writeQuickCatalogue(products)
}

func writeQuickCatalogue(path string) error {
	catalogue := chancery.DefaultCatalogue()
	for i := range catalogue {
		catalogue[i].KeyAlgorithm = chancery.ECC256
	}
	text, err := json.Marshal(catalogue)
	if err != nil {
		return err
	}
	return os.WriteFile(path, text, 0o600)
}

// ServeHTTP serves the proofs that scripts put on the web.
func (s *surroundings) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := net.SplitHostPort(r.Host)
	s.mu.Lock()
	content, known := s.files[host]
	s.mu.Unlock()
	if !known || r.URL.Path != chancery.ProofPath {
		http.NotFound(w, r)
		return
	}
	_, _ = w.Write([]byte(content))
}
