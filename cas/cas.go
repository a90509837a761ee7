// Package cas holds the operations of Certificate Management Service, version
// 2020-04-07. This file is its table of contents; every operation has a file of
// its own with its Input, Output and method, and the comment on the method is
// its reference page (docs/operations.md is made from it).
//
// Fields of Input and Output structs are named exactly as on the wire.
package cas

import (
	"cmp"
	"context"
	"errors"
	"time"

	"chancery"
)

// Version is the API version that this package speaks.
const Version = "2020-04-07"

// Service is what the operations work on. All fields are needed unless a
// default is given; none is changed after the first call.
type Service struct {
	Store     chancery.Store
	Catalogue chancery.Catalogue
	Clock     chancery.Clock
	// RepeatWindow is how long the same application, sent again by the same key
	// without a client token, is answered with the first order; 0 turns that off.
	RepeatWindow time.Duration
	// ProofWindow is how long an order waits for its proof.
	ProofWindow time.Duration
	// Region stands in CertIdentifier. Default DefaultRegion.
	Region string
	// RefundWindow is how long after its issuance a revoked order gives its unit back.
	RefundWindow time.Duration
	// OpenWait is how long a Create call waits for an issuer to say what to publish.
	// Default DefaultOpenWait.
	OpenWait time.Duration
	// Wake is called when background work has become due; it must not block.
	Wake func()
	// Watch gives a channel that is closed when a look at the proof of an order, and what
	// follows it, comes to an end in this process; forget is called when nobody waits any
	// more. Without it nobody waits.
	Watch func(chancery.OrderID) (ended <-chan struct{}, forget func())
	// Preflighter looks ahead for those who are about to apply; without one nobody does.
	Preflighter chancery.Preflighter
}

// Times of an order's life that the service decides.
const (
	DefaultRepeatWindow = 120 * time.Second
	DefaultProofWindow  = 7 * 24 * time.Hour
	DefaultRefundWindow = 30 * 24 * time.Hour
	DefaultOpenWait     = 5 * time.Second
	// tokenWindow is how long a client token names its order.
	tokenWindow = 24 * time.Hour
	// firstLook leaves the applicant, often a program, a moment to publish.
	firstLook = time.Second
)

// API is the table of contents.
func (s *Service) API() chancery.API {
	return withRates(chancery.API{Product: "cas", Version: Version, RAMCode: "yundun-cert", Region: s.region(), Operations: append([]chancery.Operation{
		chancery.Bind("CreateCertificateRequest", chancery.AccessCreate, "Apply for a DV certificate; the service makes key and CSR.", s.CreateCertificateRequest),
		chancery.Bind("CreateCertificateWithCsrRequest", chancery.AccessCreate, "Apply for a DV certificate with a CSR of your own.", s.CreateCertificateWithCsrRequest),
		chancery.Bind("CreateCertificateForPackageRequest", chancery.AccessCreate, "Apply for a DV or OV certificate for up to five names.", s.CreateCertificateForPackageRequest),
		chancery.Bind("RenewCertificateOrderForPackageRequest", chancery.AccessCreate, "Renew an issued order in the last 30 days of its certificate.", s.RenewCertificateOrderForPackageRequest),
		chancery.Bind("DescribeCertificateState", chancery.AccessGet, "See what to publish, how the order stands, and the certificate once it is issued.", s.DescribeCertificateState),
		chancery.Bind("DescribePackageState", chancery.AccessGet, "See how many applications of a product are bought, used and issued.", s.DescribePackageState),
		chancery.Bind("CancelOrderRequest", chancery.AccessUpdate, "Withdraw an application that waits for its proof or its certificate.", s.CancelOrderRequest),
		chancery.Bind("CancelCertificateForPackageRequest", chancery.AccessUpdate, "Revoke the certificate of an issued order, or cancel a withdrawn one; quota comes back.", s.CancelCertificateForPackageRequest),
		chancery.Bind("DeleteCertificateRequest", chancery.AccessDelete, "Delete a failed or withdrawn order; its unit of quota comes back.", s.DeleteCertificateRequest),

		chancery.Bind("CreateCsr", chancery.AccessCreate, "Make a private key and a CSR and keep both.", s.CreateCsr),
		chancery.Bind("UploadCsr", chancery.AccessCreate, "Keep a CSR that was made elsewhere, with or without its private key.", s.UploadCsr),
		chancery.Bind("UpdateCsr", chancery.AccessUpdate, "Add the private key to a CSR that was uploaded without it.", s.UpdateCsr),
		chancery.Bind("GetCsrDetail", chancery.AccessGet, "Get a stored CSR and its private key.", s.GetCsrDetail),
		chancery.Bind("ListCsr", chancery.AccessList, "List the stored CSRs.", s.ListCsr),
		chancery.Bind("DeleteCsr", chancery.AccessDelete, "Delete a stored CSR and its private key.", s.DeleteCsr),

		chancery.Bind("ListContact", chancery.AccessList, "List the contacts.", s.ListContact),
		chancery.Bind("CreateContact", chancery.AccessCreate, "Add a contact.", s.CreateContact),
		chancery.Bind("UpdateContact", chancery.AccessUpdate, "Change a contact.", s.UpdateContact),
		chancery.Bind("GetContact", chancery.AccessGet, "Get a contact.", s.GetContact),
		chancery.Bind("DeleteContact", chancery.AccessDelete, "Delete a contact.", s.DeleteContact),
		chancery.Bind("CreateCompany", chancery.AccessCreate, "Add a company.", s.CreateCompany),
		chancery.Bind("UpdateCompany", chancery.AccessUpdate, "Change a company.", s.UpdateCompany),
		chancery.Bind("GetCompany", chancery.AccessGet, "Get a company.", s.GetCompany),
		chancery.Bind("ListCompanies", chancery.AccessList, "List the companies.", s.ListCompanies),
		chancery.Bind("DeleteCompany", chancery.AccessDelete, "Delete a company.", s.DeleteCompany),

		chancery.Bind("ListUserCertificateOrder", chancery.AccessList, "List orders or certificates.", s.ListUserCertificateOrder),
		chancery.Bind("UploadUserCertificate", chancery.AccessCreate, "Keep a certificate that was issued elsewhere, with its key.", s.UploadUserCertificate),
		chancery.Bind("GetUserCertificateDetail", chancery.AccessGet, "Get one certificate, with PEM and private key unless filtered.", s.GetUserCertificateDetail),
		chancery.Bind("DeleteUserCertificate", chancery.AccessDelete, "Delete an uploaded, expired or revoked certificate.", s.DeleteUserCertificate),
		chancery.Bind("MoveResourceGroup", chancery.AccessUpdate, "File an order or a certificate in another resource group.", s.MoveResourceGroup),
	}, laterOperations()...)})
}

// DefaultRegion is that of the original's main site.
const DefaultRegion = "cn-hangzhou"

func (s *Service) region() string { return cmp.Or(s.Region, DefaultRegion) }

// order reads an order of the caller, or answers NotFoundOrder: the same for an
// id that does not exist and for somebody else's.
func order(tx chancery.Tx, caller chancery.Caller, id int64) (chancery.Order, error) {
	o, err := tx.Order(caller.AccountID, chancery.OrderID(id))
	if errors.Is(err, chancery.ErrNotFound) {
		return o, chancery.Errorf(chancery.NotFoundOrder, "this account has no order %d", id)
	}
	return o, err
}

// change applies an event to an order of the caller, in one transaction with
// what else the event brings, and ends background work on it. also gets the order
// as it was.
func (s *Service) change(ctx context.Context, caller chancery.Caller, id int64, event chancery.Event, also func(chancery.Tx, chancery.Order) error) error {
	return s.Store.Write(ctx, func(tx chancery.Tx) error {
		o, err := order(tx, caller, id)
		if err != nil {
			return err
		}
		before := o
		if err := move(tx, &o, event); err != nil {
			return err
		}
		return also(tx, before)
	})
}

// move applies an event to an order and ends background work on it.
func move(tx chancery.Tx, o *chancery.Order, event chancery.Event) error {
	if err := o.Apply(event); err != nil {
		return err
	}
	if err := tx.UpdateOrder(*o); err != nil {
		return err
	}
	if err := tx.DeleteOrderSteps(o.AccountID, o.ID); err != nil {
		return err
	}
	return tx.DeleteOrderKey(o.AccountID, o.ID)
}
