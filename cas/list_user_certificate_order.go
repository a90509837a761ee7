package cas

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"chancery"
)

// ListUserCertificateOrderInput is what ListUserCertificateOrder takes.
type ListUserCertificateOrderInput struct {
	// What to list, in any letter case: CPACK (default) for orders, CERT for issued and
	// uploaded certificates, UPLOAD for uploaded ones alone. BUY is legal and
	// always empty: nothing is bought through this API.
	OrderType string
	// Only those in this status, in any letter case. ISSUED (with more than 30 days left),
	// WILLEXPIRED and EXPIRED for all types; PAYED, CHECKING, CHECKED_FAIL, REVOKED and
	// NOTACTIVATED for CPACK and BUY. Empty: all orders, or all certificates that are valid.
	Status string
	// Only those with this text in a domain name or resource id, in any letter case; up to 256 characters.
	Keyword string
	// Only those filed there.
	ResourceGroupId string
	// The page, counted from 1. Default 1.
	CurrentPage int64
	// Rows of a page, at most 100. Default 50.
	ShowSize int64
}

// ListUserCertificateOrderOutput is what ListUserCertificateOrder answers.
type ListUserCertificateOrderOutput struct {
	// How many there are on all pages.
	TotalCount int64
	// The page.
	CurrentPage int64
	// Rows of a full page.
	ShowSize int64
	// The rows, newest first.
	CertificateOrderList []CertificateOrder
}

// CertificateOrder is a row: of an order, or of a certificate.
type CertificateOrder struct {
	// The resource id; an order and its certificate have the same.
	InstanceId string
	// As in the parameter.
	Status string
	// The start of the certificate in Unix milliseconds, 0 without one.
	CertStartTime int64
	// The end of the certificate in Unix milliseconds, 0 without one.
	CertEndTime int64
	*OrderRow
	*CertificateRow
}

// OrderRow is what rows of orders have besides.
type OrderRow struct {
	// The order; for CPACK, as all that follow until CertificateId.
	OrderId int64
	// The same as OrderId.
	AliyunOrderId int64
	// Always empty.
	PartnerOrderId string
	// The names, separated by commas.
	Domain string
	// ONE, MULTIPLE, WILDCARD or M_WILDCARD.
	DomainType string
	// How many plain names.
	DomainCount int64
	// How many wildcard names.
	WildDomainCount int64
	// The product.
	ProductCode string
	// The product's name.
	ProductName string
	// DV, OV, or FREE for the free products.
	CertType string
	// The product's brand.
	RootBrand string
	// RSA or ECC.
	Algorithm string
	// When it was applied for, in Unix milliseconds.
	BuyDate int64
	// Always cpack.
	SourceType string
	// Always unTrustee.
	TrusteeStatus string
}

// CertificateRow is what rows of certificates have besides.
type CertificateRow struct {
	// The certificate; for CERT and UPLOAD, as all that follow.
	CertificateId int64
	// What the account calls it.
	Name string
	// The subject's common name.
	CommonName string
	// The alternative names, separated by commas.
	Sans string
	// The serial in lower-case hex of its bytes.
	SerialNo string
	// SHA-1 of the DER, 40 upper-case hex digits.
	Fingerprint string
	// SHA-256 of the DER, 64 upper-case hex digits.
	Sha2 string
	// The issuer's organisation, or its common name.
	Issuer string
	// The subject's organisation, often empty.
	OrgName string
	// The subject's country, often empty.
	Country string
	// The subject's province, often empty.
	Province string
	// The subject's city, often empty.
	City string
	// The first day, YYYY-MM-DD in UTC.
	StartDate string
	// The last day, YYYY-MM-DD in UTC.
	EndDate string
	// Whether it has ended.
	Expired bool
	// Whether it was uploaded.
	Upload bool
	// Where the account files it.
	ResourceGroupId string
}

// ListUserCertificateOrder lists the account's orders or certificates, newest
// first. Without Status it lists every order, but only certificates that are
// valid; ask for EXPIRED to see those that have ended. A revoked certificate is
// listed through its order.
//
// Errors: InvalidParameter (400).
func (s *Service) ListUserCertificateOrder(ctx context.Context, caller chancery.Caller, in *ListUserCertificateOrderInput) (*ListUserCertificateOrderOutput, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err != nil {
		return nil, err
	}
	out := &ListUserCertificateOrderOutput{CurrentPage: asked.Number, ShowSize: asked.Size}
	row := s.orderRow
	if !slices.Contains(filter.Kinds, chancery.ListOrder) {
		row = s.certificateRow
	}
	err = s.list(ctx, caller.AccountID, filter, asked, func(tx chancery.Tx, entries []chancery.Listed, total int64) error {
		out.TotalCount, out.CertificateOrderList = total, []CertificateOrder{}
		for _, entry := range entries {
			shown, err := row(tx, caller.AccountID, entry)
			if err != nil {
				return err
			}
			out.CertificateOrderList = append(out.CertificateOrderList, shown)
		}
		return nil
	})
	return out, err
}

// filter reads what to list.
func (in *ListUserCertificateOrderInput) filter() (chancery.ListFilter, error) {
	filter := chancery.ListFilter{ResourceGroup: in.ResourceGroupId, Keyword: in.Keyword}
	ofCertificates := false
	switch strings.ToUpper(in.OrderType) {
	case "", "CPACK":
		filter.Kinds = []chancery.ListKind{chancery.ListOrder}
	case "BUY":
	case "CERT":
		filter.Kinds, ofCertificates = []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded}, true
	case "UPLOAD":
		filter.Kinds, ofCertificates = []chancery.ListKind{chancery.ListUploaded}, true
	default:
		return filter, chancery.Errorf(chancery.InvalidParameter, "OrderType: CPACK, BUY, CERT or UPLOAD")
	}
	const maxKeyword = 256
	if utf8.RuneCountInString(in.Keyword) > maxKeyword {
		return filter, chancery.Errorf(chancery.InvalidParameter, "Keyword: more than %d characters", maxKeyword)
	}
	var err error
	filter.Statuses, err = listStatuses(strings.ToUpper(in.Status), ofCertificates)
	return filter, err
}

// notActivated is legal to ask for; nothing here is ever so.
const notActivated chancery.CertificateStatus = "NOTACTIVATED"

func listStatuses(status string, ofCertificates bool) ([]chancery.CertificateStatus, error) {
	switch one := chancery.CertificateStatus(status); one {
	case "":
		if ofCertificates {
			return []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire}, nil
		}
		return nil, nil
	case chancery.StatusIssued, chancery.StatusWillExpire, chancery.StatusExpired:
		return []chancery.CertificateStatus{one}, nil
	case chancery.StatusPayed, chancery.StatusChecking, chancery.StatusCheckedFail, chancery.StatusRevoked, notActivated:
		if !ofCertificates {
			return []chancery.CertificateStatus{one}, nil
		}
		return nil, chancery.Errorf(chancery.InvalidParameter, "Status: ISSUED, WILLEXPIRED or EXPIRED with OrderType CERT and UPLOAD")
	}
	return nil, chancery.Errorf(chancery.InvalidParameter, "Status: PAYED, CHECKING, CHECKED_FAIL, ISSUED, WILLEXPIRED, EXPIRED, NOTACTIVATED or REVOKED")
}

// settleBatch keeps one transaction short, so that other writers get a turn.
const settleBatch = 500

// list hands out a page of a list as it stands now.
func (s *Service) list(ctx context.Context, account chancery.AccountID, filter chancery.ListFilter, asked chancery.Page, rows func(chancery.Tx, []chancery.Listed, int64) error) error {
	now := s.Clock.Now()
	for {
		settled := false
		err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
			if settled, err = tx.ListsSettled(account, now); err != nil || !settled {
				return err
			}
			entries, total, err := tx.List(account, filter, asked)
			if err != nil {
				return err
			}
			return rows(tx, entries, total)
		})
		if err != nil || settled {
			return err
		}
		err = s.Store.Write(ctx, func(tx chancery.Tx) error {
			_, err := tx.SettleLists(account, now, settleBatch)
			return err
		})
		if err != nil {
			return err
		}
	}
}

func (s *Service) orderRow(tx chancery.Tx, account chancery.AccountID, entry chancery.Listed) (CertificateOrder, error) {
	o, err := tx.Order(account, chancery.OrderID(entry.ID))
	if err != nil {
		return CertificateOrder{}, err
	}
	row := CertificateOrder{InstanceId: o.InstanceID, Status: string(entry.Status), OrderRow: &OrderRow{
		OrderId: int64(o.ID), AliyunOrderId: int64(o.ID), Domain: o.Names.String(), BuyDate: o.CreatedAt.UnixMilli(),
		SourceType: "cpack", TrusteeStatus: "unTrustee",
	}}
	row.countNames(o.Names)
	row.describeProduct(s.Catalogue, o.ProductCode)
	if o.CertificateID == 0 {
		return row, nil
	}
	c, err := tx.CertificateOfOrder(account, o.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return row, nil
	}
	row.CertStartTime, row.CertEndTime, row.Algorithm = millis(c.NotBefore), millis(c.NotAfter), c.Algorithm
	return row, err
}

func (r *OrderRow) countNames(names chancery.Names) {
	for _, name := range names {
		if strings.HasPrefix(string(name), "*.") {
			r.WildDomainCount++
		} else {
			r.DomainCount++
		}
	}
	switch {
	case r.WildDomainCount > 1:
		r.DomainType = "M_WILDCARD"
	case r.WildDomainCount == 1:
		r.DomainType = "WILDCARD"
	case r.DomainCount > 1:
		r.DomainType = "MULTIPLE"
	default:
		r.DomainType = "ONE"
	}
}

// describeProduct makes do with the code of a product that the catalogue no
// longer has.
func (r *OrderRow) describeProduct(catalogue chancery.Catalogue, code string) {
	r.ProductCode, r.ProductName, r.CertType, r.Algorithm = code, code, string(chancery.DV), "RSA"
	product, err := catalogue.Find(code)
	if err != nil {
		return
	}
	r.ProductName, r.RootBrand, r.CertType = product.Name, product.Brand, string(product.Level)
	if strings.HasSuffix(code, "-free") {
		r.CertType = "FREE"
	}
	r.Algorithm, _, _ = strings.Cut(string(product.KeyAlgorithm), "_")
}

func (s *Service) certificateRow(tx chancery.Tx, account chancery.AccountID, entry chancery.Listed) (CertificateOrder, error) {
	c, err := tx.Certificate(account, chancery.CertificateID(entry.ID))
	if err != nil {
		return CertificateOrder{}, err
	}
	return CertificateOrder{
		InstanceId: c.InstanceID, Status: string(entry.Status),
		CertStartTime: millis(c.NotBefore), CertEndTime: millis(c.NotAfter),
		CertificateRow: &CertificateRow{
			CertificateId: int64(c.ID), Name: c.Name, CommonName: c.CommonName, Sans: c.SANs, SerialNo: c.Serial,
			Fingerprint: c.Fingerprint, Sha2: c.SHA2, Issuer: c.Issuer, OrgName: c.Organization,
			Country: c.Country, Province: c.Province, City: c.City, StartDate: day(c.NotBefore), EndDate: day(c.NotAfter),
			Expired: !s.Clock.Now().Before(c.NotAfter), Upload: c.OrderID == 0, ResourceGroupId: c.ResourceGroup,
		},
	}, nil
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
