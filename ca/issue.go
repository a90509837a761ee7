package ca

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chancery"
)

// Issue gives the order's certificate with the issuing CA's above it. It keeps
// the contract of chancery.Issuer: a repeated call for an order gives the
// certificate that the first one recorded, and a *chancery.RefusedError is final.
// The CSR counts for its key alone; the certificate names request.Names.
func (a *Authority) Issue(ctx context.Context, request chancery.IssueRequest) (chancery.Chain, error) {
	if request.AccountID <= 0 || request.OrderID <= 0 {
		return nil, errors.New("issuing needs an account and an order: the rule of one certificate hangs on them")
	}
	if !request.First {
		if chain, err := a.recorded(ctx, request); !errors.Is(err, chancery.ErrNotFound) {
			return chain, err
		}
	}
	d, err := a.draft(ctx, request)
	if err != nil {
		return nil, err
	}
	chain, err := a.sign(ctx, d)
	if errors.Is(err, chancery.ErrConflict) {
		// Another call for the order was faster. This call's signature is dropped.
		return a.recorded(ctx, request)
	}
	var failed lintError
	if errors.As(err, &failed) {
		return nil, refused(nil, "the certificate for %s would break rules of public certificates: %s",
			request.Names, strings.Join(failed, ", "))
	}
	if err != nil {
		return nil, fmt.Errorf("issuing for order %d: %w", request.OrderID, err)
	}
	return chain, nil
}

// recorded gives the order's certificate with the CA that signed it, which need
// not be the one that signs now, nor one that this process has loaded. It is
// chancery.ErrNotFound when there is none.
func (a *Authority) recorded(ctx context.Context, request chancery.IssueRequest) (chain chancery.Chain, err error) {
	err = a.config.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		issuance, err := tx.SignedIssuance(request.AccountID, request.OrderID)
		if err != nil {
			return err
		}
		authorities, err := tx.Authorities()
		if err != nil {
			return err
		}
		for _, authority := range authorities {
			if authority.ID == issuance.AuthorityID {
				chain = chancery.Chain{issuance.Certificate, authority.Certificate}
				return nil
			}
		}
		return fmt.Errorf("certificate %s was signed by authority %q, which is not stored", issuance.Serial, issuance.AuthorityID)
	})
	if err != nil {
		return nil, fmt.Errorf("reading what was issued for order %d: %w", request.OrderID, err)
	}
	return chain, nil
}

func (a *Authority) draft(ctx context.Context, request chancery.IssueRequest) (draft, error) {
	if names, err := chancery.ParseNames(request.Names.String(), chancery.MaxNames); err != nil || !slices.Equal(names, request.Names) {
		return draft{}, refused(err, "%q is not what a certificate can name", request.Names)
	}
	lint := a.lint.leaf
	if request.Made {
		lint = a.lint.made
	}
	key, err := keyOf(request.CSR, request.Made)
	if err != nil {
		return draft{}, err
	}
	now := a.config.Clock.Now()
	life, err := a.issuing.period(now, request.Lifetime)
	if err != nil {
		return draft{}, fmt.Errorf("issuing for order %d: %w", request.OrderID, err)
	}
	crl, err := a.partition(ctx, a.issuing)
	if err != nil {
		return draft{}, err
	}
	return draft{
		issuer:   a.issuing,
		crl:      crl,
		account:  request.AccountID,
		order:    request.OrderID,
		at:       now,
		template: a.leaf(request.Names.Strings(), nil, key, life, crl),
		key:      key,
		lint:     lint,
	}, nil
}

// keyOf is the CSR's key if its owner signed with it and it is a sound one, which is not
// tried where the service has just made both.
func keyOf(der []byte, made bool) (crypto.PublicKey, error) {
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, refused(err, "the CSR is not a valid PKCS #10 request")
	}
	if made {
		return csr.PublicKey, nil
	}
	if err := chancery.CheckPublicKey(csr.PublicKey); err != nil {
		reason := "its key cannot be certified"
		var public *chancery.Error
		if errors.As(err, &public) {
			reason = public.Message
		}
		return nil, refused(err, "the CSR is refused: %s", reason)
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, refused(err, "the CSR's signature does not verify with its own key")
	}
	return csr.PublicKey, nil
}

func refused(cause error, format string, args ...any) error {
	return &chancery.RefusedError{Reason: fmt.Sprintf(format, args...), Err: cause}
}
