package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/client"
)

// save writes the files of an issued order to out/<name>/ and tells what it
// wrote: cert.pem, chain.pem, fullchain.pem, privkey.pem (mode 0600, only when
// the service made the key) and, for one of the embedded CA, root.pem.
func (t teller) save(ctx context.Context, c *client.Client, state *cas.DescribeCertificateStateOutput, out string) error {
	if state.Type != "certificate" || state.Order == nil {
		return fmt.Errorf("there is no certificate: the order is %s; `chancery status` tells more, and --wait waits", stateWords[state.Type])
	}
	// The name becomes a path here, so it must be one that we know to be a name.
	names, err := chancery.ParseNames(state.Order.Domain, chancery.MaxNames)
	if err != nil {
		return fmt.Errorf("the service answered an unusable name: %w", err)
	}
	root, err := rootOf(ctx, c, state)
	if err != nil {
		return err
	}
	name := names.Common()
	leaf, err := verify(state.Certificate, root, names)
	if err != nil {
		return err
	}
	dir := filepath.Join(out, strings.Replace(string(name), "*.", "_wildcard.", 1))
	if err := writeFiles(dir, state, root); err != nil {
		return err
	}
	t.told(dir, name, leaf, root, state.PrivateKey != "")
	return t.event("issued", map[string]any{
		"directory": dir, "name": name, "serial": chancery.SerialHex(leaf.SerialNumber),
		"notBefore": leaf.NotBefore, "notAfter": leaf.NotAfter, "certificateId": state.CertId, "privateKey": state.PrivateKey != "",
	})
}

func (t teller) told(dir string, name chancery.Name, leaf, root *x509.Certificate, key bool) {
	t.text("Issued for %s, valid until %s (%d days).\n\n", name, leaf.NotAfter.Format(time.RFC3339), int(time.Until(leaf.NotAfter).Hours()/24))
	t.text("  %s/cert.pem       the certificate\n  %s/chain.pem      the certificates above it\n  %s/fullchain.pem  both, for a server\n", dir, dir, dir)
	if key {
		t.text("  %s/privkey.pem    the private key, mode 0600\n", dir)
	} else {
		t.text("  (no private key: it stayed with the CSR, or no policy lets this access key read it)\n")
	}
	if root == nil {
		t.text("\nThe root is the CA's and not among the files: clients have it, or get it from there.\n")
		return
	}
	t.text("  %s/root.pem       the root to trust: %s\n\n", dir, root.Subject.CommonName)
	t.text("Verified as this would:\n  openssl verify -CAfile %s/root.pem -untrusted %s/chain.pem %s/cert.pem\n", dir, dir, dir)
}

// rootOf is the embedded CA's root, or nil for a certificate of another CA.
func rootOf(ctx context.Context, c *client.Client, state *cas.DescribeCertificateStateOutput) (*x509.Certificate, error) {
	if state.Order.Issuer != "" {
		return nil, nil
	}
	return c.Root(ctx)
}

// verify checks the chain up to the root, as a relying party would; or, without
// one, up to its own end.
func verify(chain string, root *x509.Certificate, names chancery.Names) (*x509.Certificate, error) {
	certificates, err := parseChain(chain)
	if err != nil {
		return nil, err
	}
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, certificate := range certificates[1:] {
		between.AddCert(certificate)
	}
	if root == nil {
		root = certificates[len(certificates)-1]
	}
	roots.AddCert(root)
	for _, name := range names {
		host := strings.Replace(string(name), "*.", "any.", 1)
		if _, err := certificates[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: host}); err != nil {
			return nil, fmt.Errorf("the certificate does not verify: %w", err)
		}
	}
	return certificates[0], nil
}

func parseChain(text string) ([]*x509.Certificate, error) {
	var certificates []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("the service answered an unusable certificate: %w", err)
		}
		certificates = append(certificates, certificate)
	}
	if len(certificates) == 0 {
		return nil, errors.New("the service answered no certificate")
	}
	return certificates, nil
}

func writeFiles(dir string, state *cas.DescribeCertificateStateOutput, root *x509.Certificate) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	leaf, chain := splitLeaf(state.Certificate)
	type file struct {
		name, text string
		mode       os.FileMode
	}
	files := []file{
		{"privkey.pem", state.PrivateKey, 0o600},
		{"cert.pem", leaf, 0o644},
		{"chain.pem", chain, 0o644},
		{"fullchain.pem", state.Certificate, 0o644},
	}
	if root != nil {
		files = append(files, file{"root.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw})), 0o644})
	}
	for _, file := range files {
		if file.text == "" {
			continue
		}
		if err := replaceFile(filepath.Join(dir, file.name), file.text, file.mode); err != nil {
			return err
		}
	}
	return nil
}

func splitLeaf(fullchain string) (leaf, chain string) {
	const end = "-----END CERTIFICATE-----\n"
	leaf, chain, _ = strings.Cut(fullchain, end)
	return leaf + end, chain
}

// replaceFile never leaves half a file, nor a key in a file that others can read.
func replaceFile(path, text string, mode os.FileMode) error {
	file, err := os.CreateTemp(filepath.Dir(path), ".chancery-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	err = errors.Join(err, file.Chmod(mode), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	return nil
}
