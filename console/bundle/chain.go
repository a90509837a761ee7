package bundle

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"strings"

	"golang.org/x/net/idna"

	"chancery"
)

// Chain puts the certificates of a PEM text into the order of a path: the one with this
// SHA-256 first, then the one that issued it, and so on. What is on no path comes last.
func Chain(text, sha2 string) ([]*x509.Certificate, error) {
	all, err := chancery.OrdinaryReader.Chain("Cert", text)
	if err != nil {
		return nil, fmt.Errorf("reading a chain: %w", err)
	}
	leaf := 0
	for i, certificate := range all {
		sum := sha256.Sum256(certificate.Raw)
		if strings.EqualFold(hex.EncodeToString(sum[:]), sha2) {
			leaf = i
		}
	}
	path := []*x509.Certificate{all[leaf]}
	rest := append(append([]*x509.Certificate{}, all[:leaf]...), all[leaf+1:]...)
	for len(rest) > 0 {
		next := issuerOf(path[len(path)-1], rest)
		path = append(path, rest[next])
		rest = append(rest[:next:next], rest[next+1:]...)
	}
	return path, nil
}

// issuerOf is the place of what issued a certificate, or the first.
func issuerOf(child *x509.Certificate, among []*x509.Certificate) int {
	for i, parent := range among {
		if bytes.Equal(child.RawIssuer, parent.RawSubject) && child.CheckSignatureFrom(parent) == nil {
			return i
		}
	}
	return 0
}

// reserved are names that Windows keeps for devices, with whatever after the dot.
var reserved = map[string]bool{
	"con": true, "prn": true, "aux": true, "nul": true,
	"com1": true, "com2": true, "com3": true, "com4": true, "com5": true, "com6": true, "com7": true, "com8": true, "com9": true,
	"lpt1": true, "lpt2": true, "lpt3": true, "lpt4": true, "lpt5": true, "lpt6": true, "lpt7": true, "lpt8": true, "lpt9": true,
}

// FileName makes of a certified name, whatever stands in it, the beginning of a file's
// name that is safe on every system and in every header: small letters, digits, "-", "_"
// and single dots. *.example.com becomes wildcard.example.com, an international name its
// A-labels.
func FileName(name string) string {
	const most = 80
	name = strings.ToLower(strings.TrimSpace(name))
	if rest, ok := strings.CutPrefix(name, "*."); ok {
		name = "wildcard." + rest
	}
	if ascii, err := idna.Punycode.ToASCII(name); err == nil {
		name = ascii
	}
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '_'
	}, name)
	for strings.Contains(name, "..") {
		name = strings.ReplaceAll(name, "..", ".")
	}
	name = strings.Trim(name[:min(len(name), most)], "._- ")
	first, _, _ := strings.Cut(name, ".")
	switch {
	case name == "":
		return "certificate"
	case reserved[first]:
		return "certificate-" + name
	}
	return name
}
