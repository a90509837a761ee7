package cas

import (
	"context"

	"chancery"
)

// DeleteContact deletes a contact.
//
// Errors: MissingParameter, InvalidParameter (400); NotFound (404).
func (s *Service) DeleteContact(ctx context.Context, caller chancery.Caller, in *ContactInput) (*Done, error) {
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		return notFound(tx.DeleteContact(caller.AccountID, in.ContactId), "contact", in.ContactId)
	})
	if err != nil {
		return nil, err
	}
	return &Done{}, nil
}
