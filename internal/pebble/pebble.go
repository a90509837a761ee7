// Package pebble runs Pebble, Let's Encrypt's ACME server for tests, and its DNS
// and web server challtestsrv as they come (`go tool`), for tests and for
// `make demo-acme`.
package pebble

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Config says how a server is to behave. DNS is needed.
type Config struct {
	// DNS is the DNS server that it asks, host:port.
	DNS string
	// HTTPPort is where it fetches files; 0 is 80.
	HTTPPort int
	// Environment is Pebble's, as PEBBLE_WFE_NONCEREJECT=50. Without
	// PEBBLE_VA_NOSLEEP=1 it rests for up to 15 seconds before it looks at a proof.
	Environment []string
	// EAB are key ids and MAC keys in base64url; with any, accounts need one.
	EAB map[string]string
	// Blocklist are names that it refuses.
	Blocklist []string
	// RetryAfter is what it says of authorizations and orders that take time, in
	// seconds; 0 is Pebble's own 3 and 5.
	RetryAfter int
}

// Server is a running Pebble.
type Server struct {
	// Directory is the URL of its ACME directory.
	Directory string
	// Bundle is PEM of the CA that its HTTPS is from.
	Bundle string

	management string
	http       *http.Client
	process    *process
}

// process is a child that Stop kills.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	log   *lockedBuffer
	dir   string
}

type lockedBuffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

// Write implements io.Writer.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// start runs a tool of the module. The go command builds it once and tells where
// it is.
func start(ctx context.Context, tool, dir string, environment []string, arguments ...string) (*process, error) {
	path, err := exec.CommandContext(ctx, "go", "tool", "-n", tool).Output() //nolint:gosec // one of the two tools that this package names
	if err != nil {
		return nil, fmt.Errorf("finding go tool %s: %w", tool, err)
	}
	p := &process{ended: make(chan struct{}), log: &lockedBuffer{}, dir: dir}
	p.cmd = exec.Command(strings.TrimSpace(string(path)), arguments...) //nolint:gosec,noctx // a tool of ours; stop ends it
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, environment...)
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = dir, p.log, p.log
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", tool, err)
	}
	go func() {
		defer close(p.ended)
		_ = p.cmd.Wait() // it is killed
	}()
	return p, nil
}

// early says why the process ended before it was stopped.
func (p *process) early() error {
	err := fmt.Errorf("it ended at once: %s", p.log)
	if strings.Contains(p.log.String(), "address already in use") {
		err = fmt.Errorf("%w: %w", errPortTaken, err)
	}
	return err
}

func (p *process) stop() {
	_ = p.cmd.Process.Kill()
	<-p.ended
	_ = os.RemoveAll(p.dir)
}

// errPortTaken: between our looking for a free port and Pebble's listening on it,
// somebody else was quicker.
var errPortTaken = errors.New("the port was taken meanwhile")

// Start runs Pebble and waits until it answers.
func Start(ctx context.Context, c Config) (*Server, error) {
	return again(func() (*Server, error) { return startOnce(ctx, c) })
}

// again tries other ports while those found are taken.
func again[T any](start func() (T, error)) (started T, err error) {
	const tries = 5
	for range tries {
		if started, err = start(); !errors.Is(err, errPortTaken) {
			break
		}
	}
	return started, err
}

func startOnce(ctx context.Context, c Config) (*Server, error) {
	dir, err := os.MkdirTemp("", "pebble-")
	if err != nil {
		return nil, err
	}
	s, err := launch(ctx, c, dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	if err := s.await(ctx); err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func launch(ctx context.Context, c Config, dir string) (*Server, error) {
	ports, err := FreePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	bundle, err := ownTLS(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{
		Directory: fmt.Sprintf("https://127.0.0.1:%d/dir", ports[0]), Bundle: bundle,
		management: fmt.Sprintf("https://127.0.0.1:%d", ports[1]),
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(bundle))
	s.http = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, DisableKeepAlives: true,
	}}
	file := filepath.Join(dir, "pebble.json")
	if err := c.write(file, ports, dir); err != nil {
		return nil, err
	}
	s.process, err = start(ctx, "pebble", dir, c.Environment, "-config", file, "-dnsserver", c.DNS)
	return s, err
}

func (c Config) write(file string, ports []int, dir string) error {
	retry := map[string]int{"authz": 3, "order": 5}
	if c.RetryAfter != 0 {
		retry = map[string]int{"authz": c.RetryAfter, "order": c.RetryAfter}
	}
	port := c.HTTPPort
	if port == 0 {
		port = 80
	}
	text, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":                  fmt.Sprintf("127.0.0.1:%d", ports[0]),
		"managementListenAddress":        fmt.Sprintf("127.0.0.1:%d", ports[1]),
		"certificate":                    filepath.Join(dir, "tls.pem"),
		"privateKey":                     filepath.Join(dir, "tls.key"),
		"httpPort":                       port,
		"tlsPort":                        1,
		"externalAccountBindingRequired": len(c.EAB) > 0,
		"externalAccountMACKeys":         c.EAB,
		"domainBlocklist":                c.Blocklist,
		"retryAfter":                     retry,
		"keyAlgorithm":                   "ecdsa",
		"profiles": map[string]any{
			"default":    map[string]any{"description": "90 days", "validityPeriod": 7776000},
			"shortlived": map[string]any{"description": "6 days", "validityPeriod": 518400},
		},
	}})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// await waits until the directory answers.
func (s *Server) await(ctx context.Context) error {
	const patience = 30 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if _, err := s.get(ctx, s.Directory); err == nil {
			return nil
		}
		select {
		case <-s.process.ended:
			return s.process.early()
		case <-ctx.Done():
			return fmt.Errorf("pebble does not answer: %s", s.process.log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server, which forgets everything.
func (s *Server) Stop() { s.process.stop() }

// Log is what the server has said so far.
func (s *Server) Log() string { return s.process.log.String() }

// Root gives one of its roots; 0 is that of the chain it gives first, and so on for
// PEBBLE_ALTERNATE_ROOTS.
func (s *Server) Root(ctx context.Context, index int) (*x509.Certificate, error) {
	text, err := s.get(ctx, fmt.Sprintf("%s/roots/%d", s.management, index))
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("pebble's root is not PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// Revoked tells whether it has revoked a certificate, by serial in hex.
func (s *Server) Revoked(ctx context.Context, serial string) (bool, string, error) {
	text, err := s.get(ctx, s.management+"/cert-status-by-serial/"+serial)
	if err != nil {
		return false, "", err
	}
	var status struct {
		Status string
		Reason json.Number
	}
	err = json.Unmarshal(text, &status)
	return status.Status == "Revoked", status.Reason.String(), err
}

func (s *Server) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("pebble answers %s with HTTP %d", url, response.StatusCode)
	}
	return text, err
}

// FreePorts finds ports of loopback that nobody has.
func FreePorts(ctx context.Context, count int) (ports []int, err error) {
	for range count {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = listener.Close() }()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// ownTLS writes tls.pem and tls.key for 127.0.0.1 and gives the root to trust.
func ownTLS(dir string) (bundle string, err error) {
	certificate, key, err := SelfSigned()
	if err != nil {
		return "", err
	}
	err = errors.Join(os.WriteFile(filepath.Join(dir, "tls.pem"), certificate, 0o600), os.WriteFile(filepath.Join(dir, "tls.key"), key, 0o600))
	return string(certificate), err
}

// SelfSigned makes a certificate for 127.0.0.1 that is its own root, and its key,
// both in PEM.
func SelfSigned() (certificate, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "loopback"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Unix(1e9, 0), NotAfter: time.Unix(4e9, 0), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return nil, nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	certificate = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return certificate, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}), nil
}
