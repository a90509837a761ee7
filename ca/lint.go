package ca

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	zx509 "github.com/zmap/zcrypto/x509"
	"github.com/zmap/zlint/v3"
	"github.com/zmap/zlint/v3/lint"
)

// linter runs every lint that can speak about one kind of thing that this CA
// signs. An error or worse forbids the signature; warnings and notices do not:
// they advise against choices that were made on purpose, such as leaving the
// subject key identifier out as BR asks and RFC 5280 does not, or miss the SCTs
// that only public CAs can have. It is safe for concurrent use.
type linter struct {
	registry     lint.Registry
	certificates []*lint.CertificateLint // those of the registry
}

// linters are put together once, since filtering takes longer than linting.
type linters struct{ leaf, made, server, authority, list, responder *linter }

func newLinters(located bool) (all linters, err error) {
	for _, one := range []struct {
		place **linter
		kind  kind
	}{
		{&all.leaf, orderLeaf},
		{&all.made, madeLeaf},
		{&all.server, serverLeaf},
		{&all.authority, caCertificate},
		{&all.list, revocationList},
		{&all.responder, responderLeaf},
	} {
		if *one.place, err = newLinter(one.kind, located); err != nil {
			return linters{}, err
		}
	}
	return all, nil
}

// otherTrades are rules for kinds of certificates that this CA does not make:
// extended validation, code signing, e-mail, and European qualified ones.
var otherTrades = lint.SourceList{
	lint.CABFEVGuidelines,
	lint.CABFCSBaselineRequirements,
	lint.CABFSMIMEBaselineRequirements,
	lint.EtsiEsi,
}

func newLinter(of kind, located bool) (*linter, error) {
	registry, err := lint.GlobalRegistry().Filter(lint.FilterOptions{
		ExcludeSources: otherTrades,
		ExcludeNames:   excused(of, located),
	})
	if err != nil {
		return nil, fmt.Errorf("choosing lints: %w", err)
	}
	return &linter{registry, registry.CertificateLints().Lints()}, nil
}

// certificate is a lintError if a lint forbids the certificate. It runs the lints
// one by one, since what zlint.LintCertificateEx collects of those that pass takes as
// long as a quarter of them.
func (l *linter) certificate(der []byte) error {
	parsed, err := zx509.ParseCertificate(der)
	if err != nil {
		return fmt.Errorf("parsing a certificate to lint: %w", err)
	}
	configuration := l.registry.GetConfiguration()
	var failed lintError
	for _, one := range l.certificates {
		if one.Execute(parsed, configuration).Status >= lint.Error {
			failed = append(failed, one.Name)
		}
	}
	if failed == nil {
		return nil
	}
	slices.Sort(failed)
	return failed
}

// revocationList is a lintError if a lint forbids the CRL.
func (l *linter) revocationList(der []byte) error {
	parsed, err := zx509.ParseRevocationList(der)
	if err != nil {
		return fmt.Errorf("parsing a CRL to lint: %w", err)
	}
	return verdict(zlint.LintRevocationListEx(parsed, l.registry))
}

func verdict(results *zlint.ResultSet) error {
	if !results.ErrorsPresent && !results.FatalsPresent {
		return nil
	}
	var failed lintError
	for _, name := range slices.Sorted(maps.Keys(results.Results)) {
		if results.Results[name].Status >= lint.Error {
			failed = append(failed, name)
		}
	}
	return failed
}

// lintError names the rules that forbid a signature.
type lintError []string

// Error implements error.
func (e lintError) Error() string { return "lints forbid it: " + strings.Join(e, ", ") }

// Lint names the lints that speak against a server's certificate: those that are asked
// before each signature of this CA. There are none for what it signed, unless the lints
// have become stricter since.
func (a *Authority) Lint(certificate []byte) ([]string, error) {
	err := a.lint.leaf.certificate(certificate)
	var found lintError
	if errors.As(err, &found) {
		return found, nil
	}
	return nil, err
}
