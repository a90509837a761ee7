package cas

import (
	"cmp"
	"context"

	"chancery"
)

// ListContactInput is what ListContact takes.
type ListContactInput struct {
	// Only contacts that have this in their name, e-mail address or mobile number, in
	// upper or lower case; up to 256 characters.
	Keyword string
	// The page, from 1. Default 1.
	CurrentPage int64
	// Rows of a page, at most 100; more are taken as 100. Default 20.
	ShowSize int64
}

// ListContactOutput is what ListContact answers.
type ListContactOutput struct {
	// The page's contacts, the newest first.
	ContactList []ContactDetail
	// The keyword that was asked for.
	Keyword string
	// The page.
	CurrentPage int64
	// Rows of a page.
	ShowSize int64
	// Contacts on all pages.
	TotalCount int64
}

const contactsOnPage = 20

// ListContact lists the account's contacts, a page at a time. The newest is the
// applicant of package applications that name none.
//
// Errors: InvalidParameter (400).
func (s *Service) ListContact(ctx context.Context, caller chancery.Caller, in *ListContactInput) (*ListContactOutput, error) {
	asked, err := page(in.CurrentPage, cmp.Or(in.ShowSize, contactsOnPage))
	if err := cmp.Or(err, chancery.CheckText("Keyword", in.Keyword, maxKeyword)); err != nil {
		return nil, err
	}
	out := &ListContactOutput{Keyword: in.Keyword, CurrentPage: asked.Number, ShowSize: asked.Size}
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		list, total, err := tx.ListContacts(caller.AccountID, in.Keyword, asked)
		out.ContactList, out.TotalCount = rows(list, contactDetail), total
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
