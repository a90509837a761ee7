package cas

import (
	"context"

	"chancery"
)

// CreateContactInput is what CreateContact takes.
type CreateContactInput struct {
	// The person's name, up to 256 characters.
	Name string `api:"required"`
	// The mobile number: 1 to 32 digits, between which blanks, +, -, * and
	// parentheses may stand.
	Mobile string `api:"required"`
	// The e-mail address.
	Email string
	// The number of an identity document, up to 64 characters.
	Idcard string
	// Webhooks as a JSON list of URLs, up to 4,096 bytes. They are kept and told, and
	// nothing calls them yet.
	Webhooks string
}

// CreateContact adds a contact: a person whom applications and notices can name.
//
// Errors: MissingParameter, InvalidParameter, InvalidParameter.MobileIllegal (400).
func (s *Service) CreateContact(ctx context.Context, caller chancery.Caller, in *CreateContactInput) (*ContactIDOutput, error) {
	contact := chancery.Contact{
		ID: chancery.NewID(), AccountID: caller.AccountID, Name: in.Name, Email: in.Email, Mobile: in.Mobile,
		IDCard: in.Idcard, Webhooks: in.Webhooks, CreatedAt: s.Clock.Now(),
	}
	if err := contact.Check(); err != nil {
		return nil, err
	}
	caller.Concerns(contactResource(contact.ID))
	err := s.Store.Write(ctx, func(tx chancery.Tx) error { return tx.AddContact(contact) })
	if err != nil {
		return nil, err
	}
	return &ContactIDOutput{ContactId: contact.ID}, nil
}
