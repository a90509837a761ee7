package ca

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"fmt"
	"time"

	"chancery"
)

// authority is one CA of the hierarchy, ready to sign.
type authority struct {
	signer
	id   string
	kind chancery.AuthorityKind
	publishedLists
	responders
}

// openAuthority parses a record and refuses one whose parts do not belong together.
func openAuthority(record chancery.Authority) (*authority, error) {
	certificate, err := x509.ParseCertificate(record.Certificate)
	if err != nil {
		return nil, fmt.Errorf("parsing its certificate: %w", err)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(record.Key.Reveal())
	if err != nil {
		return nil, fmt.Errorf("parsing its key: %w", err)
	}
	key, ok := parsed.(privateKey)
	switch {
	case !ok:
		return nil, fmt.Errorf("its key is a %T, which cannot sign", parsed)
	case !sameKey(key.Public(), certificate.PublicKey):
		return nil, fmt.Errorf("its key is not that of its certificate")
	case record.ID != ID(record.Certificate):
		return nil, fmt.Errorf("its id is not that of its certificate")
	}
	return &authority{
		signer: signer{certificate: certificate, key: key},
		id:     record.ID,
		kind:   record.Kind,
	}, nil
}

// record is what the store keeps of a new authority.
func record(kind chancery.AuthorityKind, certificate *x509.Certificate, key privateKey, now time.Time) (chancery.Authority, error) {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return chancery.Authority{}, fmt.Errorf("encoding its key: %w", err)
	}
	return chancery.Authority{
		ID:          ID(certificate.Raw),
		Kind:        kind,
		Certificate: bytes.Clone(certificate.Raw),
		Key:         chancery.NewSecret(der),
		CreatedAt:   now,
	}, nil
}

func sameKey(one, other crypto.PublicKey) bool {
	key, ok := one.(interface{ Equal(crypto.PublicKey) bool })
	return ok && key.Equal(other)
}
