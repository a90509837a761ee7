package chancery

import (
	"strings"
	"time"
	"unicode"
)

// ListKind is a kind of list entry.
type ListKind string

// The kinds. An issued certificate is an entry beside that of its order.
const (
	ListOrder    ListKind = "order"
	ListIssued   ListKind = "issued"
	ListUploaded ListKind = "upload"
)

// The statuses of an order that has no certificate.
const (
	StatusPayed       CertificateStatus = "PAYED"
	StatusChecking    CertificateStatus = "CHECKING"
	StatusCheckedFail CertificateStatus = "CHECKED_FAIL"
)

// ListStatuses are those that an entry of any kind may have.
var ListStatuses = []CertificateStatus{
	StatusPayed, StatusChecking, StatusCheckedFail, StatusIssued, StatusWillExpire, StatusExpired, StatusRevoked,
}

// ListEntry is what lists know of an order or a certificate.
type ListEntry struct {
	AccountID AccountID
	Kind      ListKind
	ID        int64 // of the order or certificate
	Status    CertificateStatus
	NotAfter  time.Time // of the certificate; zero without one
	// ChangesAt is when the status changes by date alone; zero: never.
	ChangesAt     time.Time
	ResourceGroup string
	Tags          []Tag
	// Search is what keywords are looked for in, see SearchText. It counts when the
	// entry is new: names and resource ids never change.
	Search string
}

// Listed is a row of a list: the order or certificate to show, and as what.
type Listed struct {
	ID     int64
	Status CertificateStatus
}

// ResourceGroupUse is how much an account has filed in a resource group.
type ResourceGroupUse struct {
	ID                   string
	Orders, Certificates int64
}

// TagUse is how much an account has that has a tag.
type TagUse struct {
	Tag
	Orders, Certificates int64
}

// ListFilter says which entries a list shows.
type ListFilter struct {
	Kinds []ListKind
	// Statuses are those shown; empty: all.
	Statuses []CertificateStatus
	// ResourceGroup is the one shown; empty: all.
	ResourceGroup string
	// Tag is one that those shown have, its value too; one without a key: any.
	Tag Tag
	// Keyword is a part of a name or resource id, both as Fold gives them; empty: any.
	Keyword string
	// WholeName has the keyword be the end of a name, as a whole name is.
	WholeName bool
	// Product is the ProductCode of the orders shown; empty: all. Certificates have none.
	Product string
}

// Entry is the order's; notAfter is that of its certificate, zero without one. It
// is nil for a deleted order.
func (o *Order) Entry(notAfter time.Time) *ListEntry {
	entry := &ListEntry{
		AccountID: o.AccountID, Kind: ListOrder, ID: int64(o.ID), NotAfter: notAfter,
		ResourceGroup: o.ResourceGroup, Tags: o.Tags, Search: SearchText(o.Names.String(), o.InstanceID),
	}
	switch o.State {
	case Deleted:
		return nil
	case Payed:
		entry.Status = StatusPayed
	case DomainVerify, Process:
		entry.Status = StatusChecking
	case VerifyFail:
		entry.Status = StatusCheckedFail
	case Issued:
		entry.Begin()
	case Revoked:
		entry.Status = StatusRevoked
	}
	return entry
}

// Entry is the certificate's.
func (c *Certificate) Entry() *ListEntry {
	entry := &ListEntry{
		AccountID: c.AccountID, Kind: ListIssued, ID: int64(c.ID), NotAfter: c.NotAfter,
		ResourceGroup: c.ResourceGroup, Tags: c.Tags, Search: SearchText(c.CommonName+","+c.SANs, c.InstanceID),
	}
	if c.OrderID == 0 {
		entry.Kind = ListUploaded
	}
	if entry.Begin(); !c.RevokedAt.IsZero() {
		entry.Status, entry.ChangesAt = StatusRevoked, time.Time{}
	}
	return entry
}

// SearchText is what keywords are looked for in, one line: names, separated by
// commas, and a resource id, folded and with a tab between each two, so that no
// keyword runs over both.
func SearchText(names, instance string) string {
	return strings.ReplaceAll(Fold(names), ",", "\t") + "\t" + Fold(instance)
}

// Fold is a text as it is searched: in lower case, with blanks for control
// characters, which may stand in what strangers certified.
func Fold(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return unicode.ToLower(r)
	}, text)
}

// Begin gives the entry the status of a certificate that is new; Settle comes after it.
func (e *ListEntry) Begin() {
	e.Status = StatusIssued
	if !e.NotAfter.IsZero() {
		e.ChangesAt = e.NotAfter.Add(-ExpiryWindow)
	}
}

// Settle gives the entry the status that it has by date at now.
func (e *ListEntry) Settle(now time.Time) {
	switch {
	case e.ChangesAt.IsZero() || now.Before(e.ChangesAt):
	case now.Before(e.NotAfter):
		e.Status, e.ChangesAt = StatusWillExpire, e.NotAfter
	default:
		e.Status, e.ChangesAt = StatusExpired, time.Time{}
	}
}
