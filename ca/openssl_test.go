package ca

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"chancery"
)

// opensslVerify asks another implementation to judge the chain, strictly.
func opensslVerify(t *testing.T, a *Authority, leaf *x509.Certificate) {
	t.Helper()
	file := certificateFiles(t)
	root, issuing := file("root.pem", a.Root()), file("issuing.pem", a.Issuing())
	openssl(t, "verify", "-x509_strict", "-attime", fmt.Sprint(a.config.Clock.Now().Unix()),
		"-purpose", "sslserver", "-CAfile", root, "-untrusted", issuing, file("leaf.pem", leaf.Raw))
}

func certificateFiles(t *testing.T) func(name string, der []byte) string {
	directory := t.TempDir()
	return func(name string, der []byte) string {
		t.Helper()
		path := filepath.Join(directory, name)
		if err := os.WriteFile(path, []byte(chancery.Chain{der}.PEM()), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
}

func openssl(t *testing.T, args ...string) string {
	t.Helper()
	output, err := tryOpenSSL(t, args...)
	if err != nil {
		t.Errorf("openssl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return output
}

// tryOpenSSL leaves the judgement of a failure to the caller.
func tryOpenSSL(t *testing.T, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		if os.Getenv("CHANCERY_TEST_ALL") != "" {
			t.Fatal("openssl is not installed")
		}
		t.Skip("openssl is not installed")
	}
	output, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	return string(output), err
}

func TestOpenSSLAcceptsTheChain(t *testing.T) {
	for _, base := range []string{"", testBase} {
		a, _, _ := testCA(t, Config{BaseURL: base})
		for i, name := range []string{"www.example.com", "*.example.com", strings.Repeat("n", 60) + ".example.com"} {
			opensslVerify(t, a, issue(t, a, requestFor(t, i+1, name)))
		}
	}
}

func TestOpenSSLReadsTheCRL(t *testing.T) {
	a, _, _ := testCA(t, Config{})
	list, err := a.CRL(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "list.crl")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	issuing := certificateFiles(t)("issuing.pem", a.Issuing())
	got := openssl(t, "crl", "-noout", "-inform", "DER", "-in", path, "-CAfile", issuing, "-crlnumber")
	if want := "crlNumber=0x01"; !strings.Contains(got, want) || !strings.Contains(got, "verify OK") {
		t.Errorf("openssl says %q; want %s", got, want)
	}
}
