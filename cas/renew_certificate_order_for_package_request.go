package cas

import (
	"context"

	"chancery"
)

// RenewCertificateOrderForPackageRequestInput is what RenewCertificateOrderForPackageRequest takes.
type RenewCertificateOrderForPackageRequestInput struct {
	// The issued order to renew.
	OrderId int64 `api:"required"`
	// A certificate signing request in PEM for the same names. Without it the
	// service makes key and CSR.
	Csr string
	// Up to 20 labels in place of the old order's: Tags.1.Key, Tags.1.Value and so on.
	Tags []Tag
	// Up to 128 ASCII characters that name this renewal: sent again within 24
	// hours, it gets the same OrderId and takes no quota.
	ClientToken string
}

// Resource names what the call is about, for the log.
func (in *RenewCertificateOrderForPackageRequestInput) Resource() string {
	return orderResource(in.OrderId)
}

// RenewCertificateOrderForPackageRequest opens a new order for the names of an
// issued one whose certificate ends within 30 days, with its product, method and
// applicant. The new order has its own OrderId, takes one unit of quota, and is
// proved anew.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundOrder,
// NotFoundPackage, NotRemainCount (404); OrderStateError (403) when the order is
// not issued, or its certificate ended or has more than 30 days left.
func (s *Service) RenewCertificateOrderForPackageRequest(ctx context.Context, caller chancery.Caller, in *RenewCertificateOrderForPackageRequestInput) (*CreateOutput, error) {
	old, err := s.renewable(ctx, caller, in.OrderId)
	if err != nil {
		return nil, err
	}
	a := application{
		operation: "RenewCertificateOrderForPackageRequest", input: *in, clientToken: in.ClientToken, anyLevel: true,
		productCode: old.ProductCode, names: old.Names, validateType: string(old.Method), tags: in.Tags,
		applicant: old.Applicant, company: old.Company, renews: old.ID, resourceGroup: old.ResourceGroup,
	}
	if len(a.tags) == 0 {
		for _, tag := range old.Tags {
			a.tags = append(a.tags, Tag(tag))
		}
	}
	if in.Csr != "" {
		var names chancery.Names
		if a.csr, names, err = chancery.ParseCSR(in.Csr, chancery.MaxNames); err != nil {
			return nil, err
		}
		if !names.Same(old.Names) {
			return nil, chancery.Errorf(chancery.InvalidParameter, "Csr: asks for %s; the order to renew is for %s", names, old.Names)
		}
	}
	return s.apply(ctx, caller, a)
}

// renewable reads an issued order whose certificate is about to end.
func (s *Service) renewable(ctx context.Context, caller chancery.Caller, id int64) (o chancery.Order, err error) {
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		if o, err = order(tx, caller, id); err != nil {
			return err
		}
		if o.State != chancery.Issued {
			return chancery.Errorf(chancery.OrderStateError, "order %d is in state %s; only an issued order can be renewed", o.ID, outside(o.State))
		}
		certificate, err := tx.CertificateOfOrder(o.AccountID, o.ID)
		if err != nil {
			return err
		}
		if status := certificate.Status(s.Clock.Now()); status != chancery.StatusWillExpire {
			return chancery.Errorf(chancery.OrderStateError, "the certificate of order %d ends on %s and is %s; it can be renewed in its last 30 days",
				o.ID, certificate.NotAfter.Format("2006-01-02"), status)
		}
		return nil
	})
	return o, err
}
