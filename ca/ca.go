// Package ca is the embedded certificate authority: a root, an issuing CA below
// it, and the leaves that the issuing CA signs.
//
// It is a private PKI. Nobody trusts it who does not install its root, and it
// signs keys that the service made for its subscribers, which a public CA may
// not do (BR 6.1.1.3). In all else it keeps to the profile, the lifetimes and
// the lints of public certificates, so that an estate can rehearse on it; where
// a private PKI cannot follow, the table in exceptions.go says so by name.
//
// What it promises of every leaf:
//
//   - It was linted before it was signed, and what was signed is byte for byte
//     what was linted.
//   - It is recorded before signing and after, and only a recorded one is
//     released. A process that dies in between leaves a record without a
//     certificate, which the next attempt replaces under a new serial.
//   - One order gets one certificate, however often and from however many
//     processes it is asked for: the store takes one completed issuance per order.
//   - Its serial is 128 random bits.
//
// BR stands for the CA/Browser Forum's Baseline Requirements for TLS server
// certificates, version 2.2.6.
package ca

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"

	"chancery"
)

// Config says where the CA keeps its records and what a new hierarchy looks
// like. Store is needed; every other field may be left empty.
type Config struct {
	Store chancery.Store
	// Clock default: the machine's.
	Clock chancery.Clock
	// Log takes failures that no caller is told: of publishing a CRL and of
	// renewing the service's own certificate. Default: slog.Default().
	Log *slog.Logger

	// KeyType is that of CA keys made from now on: ECC_256 (default), RSA_3072
	// or RSA_4096. A hierarchy that exists keeps its keys.
	KeyType chancery.KeyAlgorithm
	// Organization is the subject O of CAs made from now on, and begins their
	// common names: at most 47 characters. Default "Chancery Private PKI".
	Organization string
	// BaseURL is where clients reach Handler from outside, such as
	// "http://pki.example.com": plain http, since a client that fetches a CRL to
	// judge a TLS connection must not need another one for it (BR 7.1.2.11.2).
	// Certificates then say where their issuer and its CRL are; if it is empty,
	// they say neither.
	BaseURL string
	// CRLSize is how many certificates one CRL is for; the next ones name another.
	// Default 50,000.
	CRLSize int64
}

const defaultCRLSize = 50_000

const defaultOrganization = "Chancery Private PKI"

// Authority signs, records and publishes. It is safe for concurrent use, by
// several processes on one store as well. Fields do not change after Open; the
// CRL that each authority keeps has its own lock.
type Authority struct {
	config    Config
	locations locations
	lint      linters
	hierarchy
}

// Open loads the hierarchy. On first start it makes root and issuing CA and
// stores both in one transaction. When the issuing CA has less than 400 days
// left and the root more, a new issuing CA under the same root takes over; what
// the earlier one signed stays good. Doing so from two processes at once is harmless.
func Open(ctx context.Context, config Config) (*Authority, error) {
	a, err := settle(config)
	if err != nil {
		return nil, fmt.Errorf("configuring the embedded CA: %w", err)
	}
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	if a.complete(a.config.Clock.Now()) {
		return a, nil
	}
	if err := a.extend(ctx); err != nil {
		return nil, err
	}
	if err := a.load(ctx); err != nil {
		return nil, err
	}
	if a.issuing == nil {
		return nil, errors.New("the store has authorities, but no issuing CA among them")
	}
	return a, nil
}

// settle checks the configuration and fills what it leaves out.
func settle(config Config) (*Authority, error) {
	if config.Store == nil {
		return nil, errors.New("no store")
	}
	if config.Clock == nil {
		config.Clock = chancery.SystemClock{}
	}
	if config.Log == nil {
		config.Log = slog.Default()
	}
	if config.KeyType == "" {
		config.KeyType = chancery.ECC256
	}
	if config.Organization == "" {
		config.Organization = defaultOrganization
	}
	if config.CRLSize == 0 {
		config.CRLSize = defaultCRLSize
	}
	where, err := parseLocations(config.BaseURL)
	if err != nil {
		return nil, err
	}
	lint, err := newLinters(where.known())
	if err != nil {
		return nil, err
	}
	return &Authority{config: config, locations: where, lint: lint}, nil
}

// Root is the newest root's certificate in DER: what clients install to trust
// this CA. Its bytes are not to be changed.
func (a *Authority) Root() []byte { return a.root.certificate.Raw }

// Issuing is the certificate, in DER, of the CA that signs leaves now. Its bytes
// are not to be changed.
func (a *Authority) Issuing() []byte { return a.issuing.certificate.Raw }

// ID is the id of an authority with this certificate in DER: lower-case hex
// SHA-256, cut to 32 digits.
func ID(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:16])
}
