package cas

import (
	"context"

	"chancery"
)

// CreateCertificateRequestInput is what CreateCertificateRequest takes.
type CreateCertificateRequestInput struct {
	// The applicant's name, up to 256 characters.
	Username string `api:"required"`
	// The applicant's phone number, in any form, up to 256 characters.
	Phone string `api:"required"`
	// The applicant's e-mail address, up to 256 characters.
	Email string `api:"required"`
	// The one domain name: plain for a single-name product, "*.example.com" for a
	// wildcard product. Upper case and international names are settled to
	// lower-case A-labels.
	Domain string `api:"required"`
	// How control of the domain will be proved: DNS or FILE. A wildcard needs DNS.
	ValidateType string `api:"required"`
	// The product. Default digicert-free-1-free.
	ProductCode string
	// Up to 20 labels: Tags.1.Key, Tags.1.Value and so on.
	Tags []Tag
	// Up to 128 ASCII characters that name this application: sent again within 24
	// hours, it gets the same OrderId and takes no quota.
	ClientToken string
}

// Tag is one label on the wire.
type Tag struct {
	Key   string
	Value string
}

// CreateOutput answers every call that opens an order.
type CreateOutput struct {
	// The order, for DescribeCertificateState.
	OrderId int64
}

// Resource names what the call made, for the log.
func (o *CreateOutput) Resource() string { return orderResource(o.OrderId) }

// CreateCertificateRequest applies for a DV certificate for one name. It takes
// one unit of the product's plans and opens the order; the answer comes when the
// order waits for its proof, so the next DescribeCertificateState already tells
// what to publish. The service makes the private key and the CSR.
//
// A call that a client sends again, because the answer got lost, gets the first
// OrderId: by ClientToken for 24 hours, without one for a short window while the
// order is open.
//
// Errors: MissingParameter, InvalidParameter (400); NotFoundPackage when the
// account has no plan for the product, NotRemainCount when its plans are used up
// (404); IdempotentParameterMismatch when a ClientToken comes with other
// parameters (400).
func (s *Service) CreateCertificateRequest(ctx context.Context, caller chancery.Caller, in *CreateCertificateRequestInput) (*CreateOutput, error) {
	names, err := chancery.ParseNames(in.Domain, 1)
	if err != nil {
		return nil, err
	}
	return s.apply(ctx, caller, application{
		operation: "CreateCertificateRequest", input: *in, clientToken: in.ClientToken,
		productCode: in.ProductCode, names: names, validateType: in.ValidateType, tags: in.Tags,
		applicant: chancery.Applicant{Username: in.Username, Phone: in.Phone, Email: in.Email},
	})
}
