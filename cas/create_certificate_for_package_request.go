package cas

import (
	"cmp"
	"context"
	"errors"

	"chancery"
)

// CreateCertificateForPackageRequestInput is what CreateCertificateForPackageRequest takes.
type CreateCertificateForPackageRequestInput struct {
	// The product: any of the catalogue, DV or OV. Default digicert-free-1-free.
	ProductCode string
	// The domain names, separated by commas: up to 5, all plain for a single-name
	// product, all "*.example.com" for a wildcard product. The first becomes the
	// common name. Not needed with Csr.
	Domain string
	// A certificate signing request in PEM. Its names count, Domain then does not.
	// If it is in the account's CSR store with its key, the certificate gets the key.
	Csr string
	// How control of the domains will be proved: DNS or FILE. Default DNS.
	ValidateType string
	// The applicant's name. Default: that of the newest contact.
	Username string
	// The applicant's phone number. Default: that of the newest contact.
	Phone string
	// The applicant's e-mail address. Default: that of the newest contact.
	Email string
	// OV: the company that applies, one of the account's. Default: the newest.
	CompanyName string
	// Up to 20 labels: Tags.1.Key, Tags.1.Value and so on.
	Tags []Tag
	// Up to 128 ASCII characters that name this application: sent again within 24
	// hours, it gets the same OrderId and takes no quota.
	ClientToken string
}

// CreateCertificateForPackageRequest applies for a DV or OV certificate for up to
// five names, with a CSR or without. Each name is proved at its own place with
// the same value. The contact fields may be left out one by one; the newest
// contact and company stand in, and fields that nobody gave stay empty.
//
// An OV order, or one of a product under review, waits in process for the
// operator's decision once its names are proved.
//
// Errors: as CreateCertificateRequest; MissingParameter when neither Domain nor
// Csr is given; InvalidParameter for a company that the account does not have.
func (s *Service) CreateCertificateForPackageRequest(ctx context.Context, caller chancery.Caller, in *CreateCertificateForPackageRequestInput) (*CreateOutput, error) {
	a := application{
		operation: "CreateCertificateForPackageRequest", input: *in, clientToken: in.ClientToken, anyLevel: true,
		productCode: in.ProductCode, validateType: cmp.Or(in.ValidateType, string(chancery.DNS)), tags: in.Tags,
		applicant: chancery.Applicant{Username: in.Username, Phone: in.Phone, Email: in.Email}, company: in.CompanyName,
	}
	var err error
	switch {
	case in.Csr != "":
		a.csr, a.names, err = chancery.ParseCSR(in.Csr, chancery.MaxNames)
	case in.Domain != "":
		a.names, err = chancery.ParseNames(in.Domain, chancery.MaxNames)
	default:
		err = chancery.Errorf(chancery.MissingParameter, "Domain or Csr is required, and neither was given")
	}
	if err != nil {
		return nil, err
	}
	if err := s.standIn(ctx, caller, &a); err != nil {
		return nil, err
	}
	return s.apply(ctx, caller, a)
}

// standIn fills contact data that the caller left out.
func (s *Service) standIn(ctx context.Context, caller chancery.Caller, a *application) error {
	product, err := s.Catalogue.Find(a.productCode)
	if err != nil {
		return err
	}
	return s.Store.Read(ctx, func(tx chancery.Tx) error {
		contact, err := tx.NewestContact(caller.AccountID)
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		a.applicant.Username = cmp.Or(a.applicant.Username, contact.Name)
		a.applicant.Phone = cmp.Or(a.applicant.Phone, contact.Mobile)
		a.applicant.Email = cmp.Or(a.applicant.Email, contact.Email)
		if product.Level != chancery.OV {
			a.company = ""
			return nil
		}
		return standInCompany(tx, caller, a)
	})
}

func standInCompany(tx chancery.Tx, caller chancery.Caller, a *application) error {
	company, err := tx.NewestCompany(caller.AccountID)
	if a.company != "" {
		company, err = tx.CompanyNamed(caller.AccountID, a.company)
	}
	if errors.Is(err, chancery.ErrNotFound) {
		if a.company == "" {
			return chancery.Errorf(chancery.InvalidParameter, "CompanyName: an OV certificate needs a company, and this account has none; add one with CreateCompany")
		}
		return chancery.Errorf(chancery.InvalidParameter, "CompanyName: this account has no company of the name given; add it with CreateCompany")
	}
	a.company = company.Name
	return err
}
