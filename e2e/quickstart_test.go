package e2e

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The first thing that anybody runs ends in a certificate that verifies as it
// says, and leaves sound data behind. A second run in the same place works too.
func TestQuickstart(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	data, out := filepath.Join(t.TempDir(), "data"), t.TempDir()
	for range 2 {
		done := finish(t, nil, program, "quickstart", "--once", "--data-dir", data, "--out", out, "--listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0")
		if done.status != 0 {
			t.Fatalf("quickstart ended with status %d\n%s%s", done.status, done.stdout, done.stderr)
		}
		dir := filepath.Join(out, "www.example.test")
		at := func(name string) string { return filepath.Join(dir, name) }
		verified := finish(t, nil, "openssl", "verify", "-CAfile", at("root.pem"), "-untrusted", at("chain.pem"), at("cert.pem"))
		shown := strings.Join([]string{"openssl verify -CAfile", at("root.pem"), "-untrusted", at("chain.pem"), at("cert.pem")}, " ")
		if verified.status != 0 || !strings.Contains(done.stdout, shown) {
			t.Errorf("%s\nstatus %d: %s%s\nquickstart said:\n%s", shown, verified.status, verified.stdout, verified.stderr, done.stdout)
		}
		if _, err := tls.LoadX509KeyPair(at("fullchain.pem"), at("privkey.pem")); err != nil {
			t.Error(err)
		}
		read(t, at("privkey.pem"), 0o600)
		if doctor := finish(t, nil, program, "doctor", "--data-dir", data); doctor.status != 0 {
			t.Errorf("the doctor found problems: %s%s", doctor.stdout, doctor.stderr)
		}
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 1 {
		t.Errorf("there is more than one directory of certificates: %v, %v", entries, err)
	}
}
