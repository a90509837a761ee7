package cas

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"chancery"
)

// NameUseInput is what NameUse takes.
type NameUseInput struct {
	// The names, as the Create calls take them.
	Domain string `api:"required"`
}

// NameUse is what an account has for names already.
type NameUse struct {
	// Open are orders that wait or are at the issuer, Valid certificates that have not
	// ended; of each the newest few.
	Open  []CertificateOrder
	Valid []CertificateOrder
}

// NameUse tells which open orders and valid certificates of the account have one of
// the names, so that nobody applies twice without knowing.
func (s *Service) NameUse(ctx context.Context, caller chancery.Caller, in *NameUseInput) (*NameUse, error) {
	names, err := chancery.ParseNames(in.Domain, chancery.MaxNames)
	if err != nil {
		return nil, err
	}
	use := &NameUse{}
	seen := map[string]bool{}
	for _, name := range names {
		filter := chancery.ListFilter{
			Kinds: []chancery.ListKind{chancery.ListOrder}, Statuses: []chancery.CertificateStatus{chancery.StatusChecking},
			Keyword: string(name), WholeName: true,
		}
		open, err := s.exactly(ctx, caller, filter, name, s.orderRow)
		if err != nil {
			return nil, err
		}
		filter.Kinds = []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded}
		filter.Statuses = []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire}
		valid, err := s.exactly(ctx, caller, filter, name, s.certificateRow)
		if err != nil {
			return nil, err
		}
		use.Open = addNew(use.Open, open, "open", seen)
		use.Valid = addNew(use.Valid, valid, "valid", seen)
	}
	return use, nil
}

// usesLooked is how many entries that end like the name are looked at for it.
const usesLooked = 50

// exactly gives the rows of a list that have the name itself.
func (s *Service) exactly(ctx context.Context, caller chancery.Caller, filter chancery.ListFilter, name chancery.Name,
	row func(chancery.Tx, chancery.AccountID, chancery.Listed) (CertificateOrder, error),
) (rows []CertificateOrder, err error) {
	page := chancery.Page{Number: 1, Size: usesLooked}
	err = s.list(ctx, caller.AccountID, filter, page, func(tx chancery.Tx, entries []chancery.Listed, _ int64) error {
		rows = nil
		for _, entry := range entries {
			shown, err := row(tx, caller.AccountID, entry)
			if err != nil {
				return err
			}
			if shown.has(name) && len(rows) < fiveOf {
				rows = append(rows, shown)
			}
		}
		return nil
	})
	return rows, err
}

func (r *CertificateOrder) has(name chancery.Name) bool {
	text := ""
	if r.OrderRow != nil {
		text = r.Domain
	}
	if r.CertificateRow != nil {
		text = r.CommonName + "," + r.Sans
	}
	for one := range strings.SplitSeq(text, ",") {
		if chancery.Fold(one) == string(name) {
			return true
		}
	}
	return false
}

func addNew(list, more []CertificateOrder, kind string, seen map[string]bool) []CertificateOrder {
	for _, row := range more {
		if key := kind + row.InstanceId; !seen[key] {
			seen[key] = true
			list = append(list, row)
		}
	}
	return list
}

// PreflightInput is what Preflight takes.
type PreflightInput struct {
	// The names, as the Create calls take them.
	Domain string `api:"required"`
	// DNS or FILE.
	ValidateType string `api:"required"`
	// The product. Default digicert-free-1-free.
	ProductCode string
}

// Ahead is what Preflight found, by name.
type Ahead struct{ Found []chancery.Foresight }

// How often an account may look ahead: each time sends questions to strangers.
const (
	preflights    = 20
	preflightTime = 5 * time.Minute
)

// Preflight looks whether names could be proved and issued, before quota is spent.
func (s *Service) Preflight(ctx context.Context, caller chancery.Caller, in *PreflightInput) (*Ahead, error) {
	method, err := chancery.ParseMethod(in.ValidateType)
	if err != nil {
		return nil, err
	}
	names, err := chancery.ParseNames(in.Domain, chancery.MaxNames)
	if err != nil {
		return nil, err
	}
	product, err := s.Catalogue.Find(in.ProductCode)
	if err != nil {
		return nil, err
	}
	if err := product.CheckNames(names); err != nil {
		return nil, err
	}
	if s.Preflighter == nil {
		return nil, chancery.Errorf(chancery.UnsupportedOperation, "this service does not look ahead")
	}
	if err := s.countPreflight(ctx, caller.AccountID); err != nil {
		return nil, err
	}
	return &Ahead{s.Preflighter.Preflight(ctx, names, method, chancery.CAAPolicy{Heeds: product.ProvesItself()})}, nil
}

// countPreflight counts before it is looked, on all nodes together.
func (s *Service) countPreflight(ctx context.Context, account chancery.AccountID) error {
	subject := sha256.Sum256([]byte(fmt.Sprintf("preflight %d", account)))
	now := s.Clock.Now()
	return s.Store.Write(ctx, func(tx chancery.Tx) error {
		count, forgotten, err := tx.CountAttempt(subject[:], now, now.Add(preflightTime))
		if err != nil {
			return fmt.Errorf("counting looks ahead: %w", err)
		}
		if count > preflights {
			return chancery.Errorf(chancery.InvalidParameter, "the account has looked ahead %d times within minutes; do so again in %s, or apply without", preflights, forgotten.Sub(now).Round(time.Second))
		}
		return nil
	})
}

// CsrText is a stored CSR without its key.
type CsrText struct{ Csr string }

// CsrText gives a stored CSR to apply with. It never opens the private key.
func (s *Service) CsrText(ctx context.Context, caller chancery.Caller, in *CSRInput) (*CsrText, error) {
	out := &CsrText{}
	err := s.Store.Read(ctx, func(tx chancery.Tx) error {
		csr, err := tx.CSR(caller.AccountID, chancery.CSRID(in.CsrId))
		if err != nil {
			return notFound(err, "CSR", in.CsrId)
		}
		out.Csr = csr.PEM
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// OrdersOfProductInput is what OrdersOfProduct takes: see ListUserCertificateOrderInput.
type OrdersOfProductInput struct {
	Status  string
	Keyword string
	// Only orders of this product. Empty: of all.
	ProductCode string
	// Only orders with this tag, its value too. An empty TagKey: whatever they have.
	TagKey, TagValue string
	ResourceGroupId  string
	CurrentPage      int64
	ShowSize         int64
}

// OrdersOfProduct lists orders as ListUserCertificateOrder does, perhaps those of one
// product or with one tag.
func (s *Service) OrdersOfProduct(ctx context.Context, caller chancery.Caller, in *OrdersOfProductInput) (*ListUserCertificateOrderOutput, error) {
	filter, err := (&ListUserCertificateOrderInput{Status: in.Status, Keyword: in.Keyword, ResourceGroupId: in.ResourceGroupId}).filter()
	if err != nil {
		return nil, err
	}
	filter.Product = in.ProductCode
	if filter.Tag, err = wantedTag(in.TagKey, in.TagValue); err != nil {
		return nil, err
	}
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err != nil {
		return nil, err
	}
	out := &ListUserCertificateOrderOutput{CurrentPage: asked.Number, ShowSize: asked.Size}
	err = s.list(ctx, caller.AccountID, filter, asked, func(tx chancery.Tx, entries []chancery.Listed, total int64) error {
		out.TotalCount, out.CertificateOrderList = total, []CertificateOrder{}
		for _, entry := range entries {
			shown, err := s.orderRow(tx, caller.AccountID, entry)
			if err != nil {
				return err
			}
			out.CertificateOrderList = append(out.CertificateOrderList, shown)
		}
		return nil
	})
	return out, err
}
