package ca

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// locations makes the addresses under which clients find CA certificates and
// CRLs. Its text is the base without a closing slash, or empty: none.
type locations string

func parseLocations(base string) (locations, error) {
	if base == "" {
		return "", nil
	}
	address, err := url.Parse(base)
	if err != nil {
		return "", fmt.Errorf("the base URL: %w", err)
	}
	plain := url.URL{Scheme: "http", Host: address.Host, Path: address.Path}
	if address.Host == "" || *address != plain {
		return "", fmt.Errorf("the base URL is %q; it must be http://host, perhaps with a port and a path", base)
	}
	return locations(strings.TrimRight(base, "/")), nil
}

func (l locations) known() bool { return l != "" }

func (l locations) certificate(authority string) string {
	return string(l) + certificatePath(authority)
}

func (l locations) list(authority string, partition int64) string {
	return string(l) + listPath(authority, partition)
}

func (l locations) responder() string { return string(l) + responderPath }

// describe writes where the issuer's certificate is (authorityInfoAccess) and,
// unless the certificate is short-lived, the CRL that would list it.
func (l locations) describe(template *x509.Certificate, issuer string, partition int64) {
	if !l.known() {
		return
	}
	template.IssuingCertificateURL = []string{l.certificate(issuer)}
	if lifeOf(template.NotBefore, template.NotAfter) > shortLived {
		template.CRLDistributionPoints = []string{l.list(issuer, partition)}
	}
}

// Paths below the base, which Handler serves.
const responderPath = "/ca/ocsp"

func certificatePath(authority string) string { return "/ca/" + authority + ".crt" }

func listPath(authority string, partition int64) string {
	if partition == 0 {
		return "/ca/" + authority + ".crl"
	}
	return fmt.Sprintf("/ca/%s-%d.crl", authority, partition)
}

// parseListName reads the last part of such a path, in the one form it is written.
func parseListName(name string) (authority string, partition int64, ok bool) {
	rest, ok := strings.CutSuffix(name, ".crl")
	if !ok {
		return "", 0, false
	}
	authority, number, numbered := strings.Cut(rest, "-")
	if numbered {
		partition, _ = strconv.ParseInt(number, 10, 64)
	}
	return authority, partition, partition >= 0 && listPath(authority, partition) == "/ca/"+name
}
