package cas

import (
	"cmp"
	"context"
	"strings"

	"chancery"
)

// ListCsrInput is what ListCsr takes.
type ListCsrInput struct {
	// Only CSRs of this algorithm: RSA, ECC or SM2.
	Algorithm string
	// Only CSRs that have this in their name, common name or alternative names, in
	// upper or lower case; up to 256 characters.
	KeyWord string
	// The page, from 1. Default 1.
	CurrentPage int64
	// Rows of a page, at most 100; more are taken as 100. Default 50.
	ShowSize int64
}

// ListCsrOutput is what ListCsr answers.
type ListCsrOutput struct {
	// The page's CSRs, the newest first.
	CsrList []CSRRow
	// The page.
	CurrentPage int64
	// Rows of a page.
	ShowSize int64
	// CSRs on all pages.
	TotalCount int64
}

// CSRRow is what ListCsr tells of a CSR.
type CSRRow struct {
	// The CSR, for GetCsrDetail and the like.
	CsrId int64
	// What it is called.
	Name string
	// RSA or ECC.
	Algorithm string
	// Bits of the key.
	KeySize int64
	// SHA-256 of the public key (SubjectPublicKeyInfo), 64 upper-case hex digits.
	KeySha2 string
	// Whether the store has the private key.
	HasPrivateKey bool
	// The subject's common name.
	CommonName string
	// Alternative names, separated by commas.
	Sans string
	// The subject's country.
	CountryCode string
	// The subject's province.
	Province string
	// The subject's city.
	Locality string
	// The subject's organisation.
	CorpName string
	// The subject's department.
	Department string
}

// ListCsr lists the account's CSR store, a page at a time.
//
// Errors: InvalidParameter (400).
func (s *Service) ListCsr(ctx context.Context, caller chancery.Caller, in *ListCsrInput) (*ListCsrOutput, error) {
	filter := chancery.CSRFilter{Algorithm: strings.ToUpper(in.Algorithm), Keyword: in.KeyWord}
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err := cmp.Or(err, checkAlgorithm(filter.Algorithm), chancery.CheckText("KeyWord", in.KeyWord, maxKeyword)); err != nil {
		return nil, err
	}
	out := &ListCsrOutput{CurrentPage: asked.Number, ShowSize: asked.Size}
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		list, total, err := tx.ListCSRs(caller.AccountID, filter, asked)
		out.CsrList, out.TotalCount = rows(list, csrRow), total
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func checkAlgorithm(algorithm string) error {
	switch algorithm {
	case "", "RSA", "ECC", "SM2":
		return nil
	}
	return chancery.Errorf(chancery.InvalidParameter, "Algorithm: none of RSA, ECC and SM2")
}

func csrRow(c chancery.StoredCSR) CSRRow {
	return CSRRow{
		CsrId: int64(c.ID), Name: c.Name, Algorithm: c.Algorithm, KeySize: c.KeySize, KeySha2: c.KeySHA2, HasPrivateKey: c.HasKey,
		CommonName: c.CommonName, Sans: c.SANs, CountryCode: c.Subject.Country, Province: c.Subject.Province,
		Locality: c.Subject.Locality, CorpName: c.Subject.CorpName, Department: c.Subject.Department,
	}
}
