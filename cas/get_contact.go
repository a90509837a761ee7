package cas

import (
	"context"
	"errors"

	"chancery"
)

// GetContactInput is what GetContact takes.
type GetContactInput struct {
	// The contact, as CreateContact answered it. Default the newest.
	ContactId int64
}

// Resource names what the call is about, for the log; the answer does when the
// call does not.
func (in *GetContactInput) Resource() string {
	if in.ContactId == 0 {
		return ""
	}
	return contactResource(in.ContactId)
}

// ResolveResource finds the newest contact where none is named.
func (in *GetContactInput) ResolveResource(tx chancery.Tx, account chancery.AccountID) (string, error) {
	if in.ContactId != 0 {
		return in.Resource(), nil
	}
	newest, err := tx.NewestContact(account)
	return contactResource(newest.ID), err
}

// Resource names what the call told, for the log.
func (o *ContactDetail) Resource() string { return contactResource(o.ContactId) }

// GetContact tells what is on file about a contact.
//
// Errors: InvalidParameter (400); NotFound (404).
func (s *Service) GetContact(ctx context.Context, caller chancery.Caller, in *GetContactInput) (*ContactDetail, error) {
	var contact chancery.Contact
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		if in.ContactId == 0 {
			contact, err = tx.NewestContact(caller.AccountID)
			return err
		}
		contact, err = tx.Contact(caller.AccountID, in.ContactId)
		return notFound(err, "contact", in.ContactId)
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return nil, chancery.Errorf(chancery.NotFound, "NotFound: this account has no contact")
	}
	if err != nil {
		return nil, err
	}
	out := contactDetail(contact)
	out.IdCard = contact.IDCard
	return &out, nil
}
