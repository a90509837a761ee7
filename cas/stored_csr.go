package cas

import (
	"errors"
	"strconv"

	"chancery"
)

// CSRInput names a stored CSR.
type CSRInput struct {
	// The CSR, as CreateCsr or UploadCsr answered it.
	CsrId int64 `api:"required"`
}

// Resource names what the call is about, for the log.
func (in *CSRInput) Resource() string { return csrResource(in.CsrId) }

// CSROutput answers with the id of a stored CSR.
type CSROutput struct {
	// The CSR, for GetCsrDetail and the like.
	CsrId int64
}

// Resource names what the call made, for the log.
func (o *CSROutput) Resource() string { return csrResource(o.CsrId) }

func csrResource(id int64) string { return "csr/" + strconv.FormatInt(id, 10) }

// notFound turns ErrNotFound into what callers get: the same for an id that does
// not exist and for somebody else's. Clients look for the word in the message.
func notFound(err error, what string, id int64) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return chancery.Errorf(chancery.NotFound, "NotFound: this account has no %s %d", what, id)
	}
	return err
}

// nameSharedKey tells what the private key of a stored CSR belongs to: the CSR, and
// every order that was made with it, with its certificate. One key under many
// names is denied by each of them. csr 0 is none.
func nameSharedKey(tx chancery.Tx, caller chancery.Caller, csr chancery.CSRID) error {
	if csr == 0 {
		return nil
	}
	orders, err := tx.OrdersOfCSR(caller.AccountID, csr)
	caller.KeyIsOf(csrResource(int64(csr)))
	for order, certificate := range orders {
		caller.KeyIsOf(orderResource(int64(order)))
		if certificate != 0 {
			caller.KeyIsOf(certificateResource(int64(certificate)))
		}
	}
	return err
}

// newCSR files a request under a name, by default one made of its id.
func (s *Service) newCSR(caller chancery.Caller, csr chancery.StoredCSR, name string) chancery.StoredCSR {
	csr.ID, csr.AccountID, csr.Name, csr.CreatedAt = chancery.CSRID(chancery.NewID()), caller.AccountID, name, s.Clock.Now()
	if name == "" {
		csr.Name = "csr-" + strconv.FormatInt(int64(csr.ID), 10)
	}
	return csr
}

// csrOfOrder is the stored CSR that has the key of the order's own CSR, or 0: the
// certificate then gets that key.
func csrOfOrder(tx chancery.Tx, order chancery.Order) (chancery.CSRID, error) {
	if len(order.CSR) == 0 {
		return 0, nil
	}
	sum, err := chancery.CSRKeySHA2(order.CSR)
	if err != nil {
		return 0, err
	}
	id, err := tx.CSRByKey(order.AccountID, sum)
	if errors.Is(err, chancery.ErrNotFound) {
		return 0, nil
	}
	return id, err
}
