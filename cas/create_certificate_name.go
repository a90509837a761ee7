package cas

import (
	"cmp"
	"context"

	"chancery"
)

// CreateCertificateNameInput is what CreateCertificateName takes.
type CreateCertificateNameInput struct {
	// The certificate.
	CertificateId int64 `api:"required"`
	// Its new name, 1 to 64 characters and unique in the account; absent: it keeps its own.
	Name string
	// The labels that replace those it has, up to 20: Tags.1.Key, Tags.1.Value and so on;
	// absent: it keeps them.
	Tags []Tag
	// Where to file it from now on; absent: where it is.
	ResourceGroupId string
}

// Resource names what the call is about, for the log.
func (in *CreateCertificateNameInput) Resource() string {
	return certificateResource(in.CertificateId)
}

// CreateCertificateName changes what the account calls a certificate, issued or
// uploaded, its labels, and where it is filed.
//
// Errors: MissingParameter, InvalidParameter, NameRepeat (400); NotFound (404).
func (s *Service) CreateCertificateName(ctx context.Context, caller chancery.Caller, in *CreateCertificateNameInput) (*Done, error) {
	tags := ownTags(in.Tags)
	if err := cmp.Or(chancery.CheckTags(tags), chancery.CheckResourceGroup(in.ResourceGroupId)); err != nil {
		return nil, err
	}
	if in.Name != "" {
		if err := chancery.CheckName(in.Name); err != nil {
			return nil, err
		}
	}
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		c, err := tx.Certificate(caller.AccountID, chancery.CertificateID(in.CertificateId))
		if err != nil {
			return certificateError(err, in.CertificateId)
		}
		c.Name = cmp.Or(in.Name, c.Name)
		c.ResourceGroup = cmp.Or(in.ResourceGroupId, c.ResourceGroup)
		if len(tags) > 0 {
			c.Tags = tags
		}
		if err := nameIsFree(tx, c.AccountID, c.Name, c.ID); err != nil {
			return err
		}
		return tx.UpdateCertificate(c)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
