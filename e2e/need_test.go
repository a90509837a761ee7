package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// needNode ends the test unless the Node clients can run.
func needNode(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		lacking(t, "node")
	}
	if _, err := os.Stat(filepath.Join("clients", "node", "node_modules", "@alicloud")); err != nil {
		lacking(t, "the npm packages in e2e/clients/node")
	}
}

// needOpenSSL ends the test unless there is an openssl command.
func needOpenSSL(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		lacking(t, "openssl")
	}
}

// lacking skips the test, or fails it where all tests are to run.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CHANCERY_TEST_ALL") == "1" {
		t.Fatalf("missing: %s", what)
	}
	t.Skipf("missing: %s; `make test` installs it", what)
}
