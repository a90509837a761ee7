package cas

import (
	"cmp"
	"context"

	"chancery"
)

// UpdateContactInput is what UpdateContact takes.
type UpdateContactInput struct {
	// The contact, as CreateContact answered it.
	ContactId int64 `api:"required"`
	// The person's name, up to 256 characters.
	Name string
	// The mobile number, as CreateContact takes it.
	Mobile string
	// The e-mail address.
	Email string
	// The number of an identity document, up to 64 characters.
	Idcard string
	// Webhooks as a JSON list of URLs, up to 4,096 bytes; [] removes them.
	Webhooks string
}

// Resource names what the call is about, for the log.
func (in *UpdateContactInput) Resource() string { return contactResource(in.ContactId) }

// UpdateContact changes a contact. What is not given, or empty, stays as it is.
//
// Errors: MissingParameter, InvalidParameter, InvalidParameter.MobileIllegal
// (400); NotFound (404).
func (s *Service) UpdateContact(ctx context.Context, caller chancery.Caller, in *UpdateContactInput) (*ContactIDOutput, error) {
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		c, err := tx.Contact(caller.AccountID, in.ContactId)
		if err != nil {
			return notFound(err, "contact", in.ContactId)
		}
		c.Name, c.Email, c.Mobile = cmp.Or(in.Name, c.Name), cmp.Or(in.Email, c.Email), cmp.Or(in.Mobile, c.Mobile)
		c.IDCard, c.Webhooks = cmp.Or(in.Idcard, c.IDCard), cmp.Or(in.Webhooks, c.Webhooks)
		if err := c.Check(); err != nil {
			return err
		}
		return tx.UpdateContact(c)
	})
	if err != nil {
		return nil, err
	}
	return &ContactIDOutput{ContactId: in.ContactId}, nil
}
