package chancery

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strconv"
	"time"
)

// CertificateID is below 2^31, since some answers of the API carry it as int32.
type CertificateID int64

// NewCertificateID draws an id of 8 to 10 digits; the store refuses one that is taken.
func NewCertificateID() CertificateID { return CertificateID(randomBetween(10_000_000, 1<<31)) }

// Certificate is an issued certificate of an account.
type Certificate struct {
	ID         CertificateID
	AccountID  AccountID
	OrderID    OrderID
	InstanceID string
	Name       string // for lists: "cert-<order id>"
	Serial     string // SerialHex
	PEM        string // leaf first, then the chain without the root
	Key        Secret // PEM; empty when the CSR was the applicant's
	NotBefore  time.Time
	NotAfter   time.Time
	CreatedAt  time.Time
}

// NewCertificate makes the certificate of an order from its checked chain.
func NewCertificate(order *Order, chain Chain, leaf *x509.Certificate, key Secret, now time.Time) Certificate {
	return Certificate{
		ID:         NewCertificateID(),
		AccountID:  order.AccountID,
		OrderID:    order.ID,
		InstanceID: order.InstanceID,
		Name:       "cert-" + strconv.FormatInt(int64(order.ID), 10),
		Serial:     SerialHex(leaf.SerialNumber),
		PEM:        chain.PEM(),
		Key:        key,
		NotBefore:  leaf.NotBefore,
		NotAfter:   leaf.NotAfter,
		CreatedAt:  now,
	}
}

// PEM writes the chain, leaf first: what a server's full-chain file holds.
func (c Chain) PEM() string {
	var text bytes.Buffer
	for _, der := range c {
		// Writing to a bytes.Buffer cannot fail.
		_ = pem.Encode(&text, &pem.Block{Type: "CERTIFICATE", Bytes: der})
	}
	return text.String()
}
