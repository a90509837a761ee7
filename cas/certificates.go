package cas

import (
	"context"
	"time"

	"chancery"
)

// CertificatesInput is what Certificates takes.
type CertificatesInput struct {
	// Status is VALID (default: both that follow), ISSUED, WILLEXPIRED, EXPIRED, REVOKED
	// or ALL.
	Status string
	// Origin is issued or upload; empty: both.
	Origin string
	// Days: only those that end within so many days from now; 0: whenever.
	Days int64
	// Keyword is looked for in names and resource ids.
	Keyword         string
	ResourceGroupId string
	// Only those with this tag, its value too. An empty TagKey: whatever they have.
	TagKey, TagValue string
	// Newest lists them by when they came, as a Keyword and a tag do, not by when they end.
	Newest                bool
	CurrentPage, ShowSize int64
}

// Certificates are a page of them.
type Certificates struct {
	Total int64
	Rows  []CertificateOrder
	// ByEnd: those that end first come first.
	ByEnd bool
}

// maxDays is farther away than any certificate ends.
const maxDays = 100 * 366

// Certificates lists certificates, also revoked ones, those that end first first.
func (s *Service) Certificates(ctx context.Context, caller chancery.Caller, in *CertificatesInput) (*Certificates, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err != nil {
		return nil, err
	}
	out := &Certificates{ByEnd: !in.Newest && in.Keyword == "" && in.TagKey == ""}
	err = s.list(ctx, caller.AccountID, filter, asked, func(tx chancery.Tx, entries []chancery.Listed, total int64) error {
		out.Total, out.Rows = total, nil
		if out.ByEnd {
			now := s.Clock.Now()
			first, last := time.UnixMilli(1), now.AddDate(0, 0, maxDays)
			if in.Days > 0 {
				first, last = now, now.AddDate(0, 0, int(min(in.Days, maxDays)))
			}
			if entries, out.Total, err = tx.ListByEnd(caller.AccountID, filter, first, last, asked); err != nil {
				return err
			}
		}
		for _, entry := range entries {
			row, err := s.certificateRow(tx, caller.AccountID, entry)
			if err != nil {
				return err
			}
			out.Rows = append(out.Rows, row)
		}
		return nil
	})
	return out, err
}

func (in *CertificatesInput) filter() (chancery.ListFilter, error) {
	tag, err := wantedTag(in.TagKey, in.TagValue)
	if err != nil {
		return chancery.ListFilter{}, err
	}
	filter := chancery.ListFilter{
		Tag:           tag,
		Kinds:         []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded},
		ResourceGroup: in.ResourceGroupId, Keyword: in.Keyword,
	}
	switch in.Origin {
	case "":
	case string(chancery.ListIssued), string(chancery.ListUploaded):
		filter.Kinds = []chancery.ListKind{chancery.ListKind(in.Origin)}
	default:
		return filter, chancery.Errorf(chancery.InvalidParameter, "Origin: issued or upload")
	}
	switch status := chancery.CertificateStatus(in.Status); status {
	case "", "VALID":
		filter.Statuses = []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire}
	case "ALL":
		filter.Statuses = []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire, chancery.StatusExpired, chancery.StatusRevoked}
	case chancery.StatusIssued, chancery.StatusWillExpire, chancery.StatusExpired, chancery.StatusRevoked:
		filter.Statuses = []chancery.CertificateStatus{status}
	default:
		return filter, chancery.Errorf(chancery.InvalidParameter, "Status: VALID, ISSUED, WILLEXPIRED, EXPIRED, REVOKED or ALL")
	}
	return filter, chancery.CheckText("Keyword", in.Keyword, maxKeyword)
}
