package ca

import (
	"crypto/x509"
	"fmt"
	"net/url"
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

func (l locations) list(authority string) string { return string(l) + listPath(authority) }

// describe writes where the issuer's certificate is (authorityInfoAccess) and,
// unless the certificate is short-lived, its CRL.
func (l locations) describe(template *x509.Certificate, issuer string) {
	if !l.known() {
		return
	}
	template.IssuingCertificateURL = []string{l.certificate(issuer)}
	if lifeOf(template.NotBefore, template.NotAfter) > shortLived {
		template.CRLDistributionPoints = []string{l.list(issuer)}
	}
}

// Paths below the base, which Handler serves.
func certificatePath(authority string) string { return "/ca/" + authority + ".crt" }
func listPath(authority string) string        { return "/ca/" + authority + ".crl" }
