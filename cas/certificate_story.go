package cas

import (
	"cmp"
	"context"
	"slices"
	"time"

	"chancery"
)

// CertificateStory is what a page shows of a certificate. It holds no key.
type CertificateStory struct {
	GetUserCertificateDetailOutput
	Status chancery.CertificateStatus
	// PEM is the certificate with its chain; of an SM2 upload that of its signing
	// certificate, and EncryptPEM the other one.
	PEM, EncryptPEM string
	SM2             bool
	// HasKey: the service has the private key.
	HasKey       bool
	CreatedAt    time.Time
	RevokedAt    time.Time // zero: not revoked
	RevokeReason chancery.Reason
	// CSRID is the stored CSR that has the same key; 0 for none.
	CSRID chancery.CSRID
}

// CertificateStory tells everything of a certificate but its key.
func (s *Service) CertificateStory(ctx context.Context, caller chancery.Caller, in *CertificateInput) (*CertificateStory, error) {
	var c chancery.Certificate
	var csr chancery.CSRID
	hasKey := false
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if c, err = tx.Certificate(caller.AccountID, chancery.CertificateID(in.CertId)); err != nil {
			return err
		}
		if hasKey, err = tx.HasCertificateKey(c.AccountID, c.ID); err != nil || c.OrderID == 0 {
			return err
		}
		o, err := tx.Order(caller.AccountID, c.OrderID)
		csr = o.CSRID
		return err
	})
	if err != nil {
		return nil, certificateError(err, in.CertId)
	}
	return &CertificateStory{
		GetUserCertificateDetailOutput: *s.certificateDetail(c), Status: c.Status(s.Clock.Now()),
		PEM: cmp.Or(c.PEM, c.SM2.SignPEM), EncryptPEM: c.SM2.EncryptPEM, SM2: c.PEM == "", HasKey: hasKey,
		CreatedAt: c.CreatedAt, RevokedAt: c.RevokedAt, RevokeReason: c.RevokeReason, CSRID: csr,
	}, nil
}

// KeyReads are the times that a certificate's private key was read, newest first.
type KeyReads struct {
	Lines []chancery.AuditLine
	More  bool // there are older ones
}

// mostKeyReads is how many KeyReads tells of.
const mostKeyReads = 20

// KeyReads tells who read a certificate's private key and when, under whichever of its
// names: the certificate, its order, or the stored CSR it was made with. The audit log
// has no index of that, so that it reads all lines since the certificate came.
func (s *Service) KeyReads(ctx context.Context, caller chancery.Caller, in *CertificateInput) (*KeyReads, error) {
	out := &KeyReads{}
	err := s.Store.Read(ctx, func(tx chancery.Tx) error {
		out.Lines = nil
		c, err := tx.Certificate(caller.AccountID, chancery.CertificateID(in.CertId))
		if err != nil {
			return certificateError(err, in.CertId)
		}
		names := []string{certificateResource(in.CertId)}
		since := c.CreatedAt
		if c.OrderID != 0 {
			o, err := tx.Order(caller.AccountID, c.OrderID)
			if err != nil {
				return err
			}
			names = append(names, orderResource(int64(o.ID)))
			if o.CSRID != 0 {
				names = append(names, csrResource(int64(o.CSRID)))
				since = o.CreatedAt
			}
		}
		out.Lines, err = keyReads(tx, caller.AccountID, since, names)
		return err
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(out.Lines)
	if out.More = len(out.Lines) > mostKeyReads; out.More {
		out.Lines = out.Lines[:mostKeyReads]
	}
	return out, nil
}

// keyReads gives the lines of keys read under one of the names, oldest first; of many,
// the newest.
func keyReads(tx chancery.Tx, account chancery.AccountID, since time.Time, names []string) (found []chancery.AuditLine, err error) {
	const batch = 1000
	filter := chancery.AuditFilter{Since: since, KeyReads: true, Most: batch}
	for {
		lines, err := tx.AuditLines(account, filter)
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			if line.KeyRead && slices.Contains(names, line.Resource) {
				found = append(found, line)
			}
		}
		if len(found) > 2*mostKeyReads {
			found = slices.Clone(found[len(found)-mostKeyReads-1:])
		}
		if len(lines) < batch {
			return found, nil
		}
		filter.After = lines[len(lines)-1].Seq
	}
}
