package storetest

import (
	"context"
	"errors"
	"testing"

	"chancery"
)

var certificates = []promise{
	{"a certificate comes back as it was added, its key apart", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		want := certificateOf(order)
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(want) })
		key := answer(t, s, certificateKey(want))
		if string(key.Reveal()) != "private" {
			t.Error("the key is another")
		}
		want.Key = chancery.Secret{}
		same(t, "the certificate", answer(t, s, certificate(want)), want)
	}},
	{"a certificate for the applicant's own CSR has an empty key", func(t *testing.T, s chancery.Store) {
		c := certificateOf(openOrder(t, s))
		c.Key = chancery.Secret{}
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		if key := answer(t, s, certificateKey(c)); !key.Empty() {
			t.Error("it has a key")
		}
	}},
	{"an unknown certificate and its key are not found", func(t *testing.T, s chancery.Store) {
		nobodys := chancery.Certificate{AccountID: newAccount(t, s), ID: 404}
		missing(t, s, certificate(nobodys))
		missing(t, s, certificateKey(nobodys))
	}},
	{"a CRL is late from the first moment after its end", lateCRLs},
	{"a certificate id is taken once, and an order has one certificate", func(t *testing.T, s chancery.Store) {
		first := certificateOf(openOrder(t, s))
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(first) })
		sameID, sameOrder := certificateOf(openOrder(t, s)), first
		sameID.ID, sameOrder.ID = first.ID, chancery.NewCertificateID()
		for _, other := range []chancery.Certificate{sameID, sameOrder} {
			refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddCertificate(other) })
		}
		first.Key = chancery.Secret{}
		same(t, "the certificate", answer(t, s, certificate(first)), first)
	}},
	{"an upload comes back as it was added, its keys apart", func(t *testing.T, s chancery.Store) {
		want := uploadOf(newAccount(t, s))
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(want) })
		same(t, "the certificate with its keys", answer(t, s, func(tx chancery.Tx) (chancery.Certificate, error) {
			return tx.CertificateKeys(want.AccountID, want.ID)
		}), want)
		want.SM2.SignKey, want.SM2.EncryptKey = chancery.Secret{}, chancery.Secret{}
		same(t, "the certificate", answer(t, s, certificate(want)), want)
		same(t, "the one of the resource id", answer(t, s, func(tx chancery.Tx) (chancery.Certificate, error) {
			return tx.CertificateOfInstance(want.AccountID, want.InstanceID)
		}), want)
		same(t, "the one of the name", answer(t, s, certificateNamed(want)), want.ID)
	}},
	{"a certificate name is taken once in an account", aCertificateNameIsTakenOnce},
	{"an update of a certificate writes what can change and nothing else", anUpdateOfACertificateWritesWhatCanChange},
	{"a deleted upload is gone", func(t *testing.T, s chancery.Store) {
		c := uploadOf(newAccount(t, s))
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteCertificate(c.AccountID, c.ID, at(1)) })
		missing(t, s, certificate(c))
		missing(t, s, certificateNamed(c))
		write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) }) // id and name are free again
	}},
	{"a deleted certificate of an order stays with the order, without its key", aDeletedCertificateStaysWithItsOrder},
	{"a deleted certificate that is revoked stays deleted, whoever has its name now", aDeletedCertificateStaysDeleted},
	{"authorities come back with their keys, oldest first", func(t *testing.T, s chancery.Store) {
		young := chancery.Authority{ID: "aa", Kind: chancery.RootAuthority, Certificate: []byte{0, 1}, Key: chancery.NewSecret([]byte("k1")), CreatedAt: at(2)}
		old := chancery.Authority{ID: "bb", Kind: chancery.IssuingAuthority, Certificate: []byte{2}, Key: chancery.NewSecret([]byte("k2")), CreatedAt: at(1)}
		write(t, s, func(tx chancery.Tx) error {
			if err := tx.AddAuthority(young); err != nil {
				return err
			}
			return tx.AddAuthority(old)
		})
		same(t, "the authorities", answer(t, s, chancery.Tx.Authorities), []chancery.Authority{old, young})
	}},
	{"a serial is recorded once", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		intend(t, s, order, "0a")
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error {
			if err := addAuthorityOnce(tx); err != nil {
				return err
			}
			return tx.AddIssuance(issuanceOf(order, "0a"))
		})
	}},
	{"an issuance counts when it is complete", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		intend(t, s, order, "0a")
		missing(t, s, signed(order))
		write(t, s, complete("0a", "signed"))
		want := issuanceOf(order, "0a")
		want.Certificate = []byte("signed")
		same(t, "the issuance", answer(t, s, signed(order)), want)
	}},
	{"an order gets one certificate, whatever else was to be signed for it", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		intend(t, s, order, "0a")
		intend(t, s, order, "0b")
		write(t, s, complete("0b", "first"))
		for _, serial := range []string{"0a", "0b"} {
			refused(t, s, chancery.ErrConflict, complete(serial, "second"))
		}
		if got := answer(t, s, signed(order)); string(got.Certificate) != "first" {
			t.Errorf("the certificate is %q", got.Certificate)
		}
	}},
	{"an order gets one certificate, also when many are signed at once", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		serials := make([]string, 24)
		for i := range serials {
			serials[i] = newSerial()
			intend(t, s, order, serials[i])
		}
		errs := atOnce(len(serials), func(i int) error {
			return s.Write(context.Background(), complete(serials[i], serials[i]))
		})
		if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
			t.Fatalf("%d were completed", n)
		}
		kept := answer(t, s, signed(order))
		for i, serial := range serials {
			if (errs[i] == nil) != (kept.Serial == serial) {
				t.Error("the one that is kept was refused")
			}
		}
	}},
	{"the service's own certificates, of order 0, are as many as it signs", func(t *testing.T, s chancery.Store) {
		for _, serial := range []string{"0a", "0b", "0c"} {
			intend(t, s, chancery.Order{}, serial)
			write(t, s, complete(serial, serial))
			refused(t, s, chancery.ErrConflict, complete(serial, "again"))
		}
	}},
}

func certificateOf(o chancery.Order) chancery.Certificate {
	return chancery.Certificate{
		ID: chancery.NewCertificateID(), AccountID: o.AccountID, OrderID: o.ID, InstanceID: o.InstanceID, Name: "cert-1",
		CertificateFacts: chancery.CertificateFacts{Serial: "00ff", CommonName: "www.example.test", NotBefore: start, NotAfter: at(90)},
		PEM:              "-----BEGIN CERTIFICATE-----\n", Key: chancery.NewSecret([]byte("private")), CreatedAt: at(1),
	}
}

func certificate(c chancery.Certificate) func(chancery.Tx) (chancery.Certificate, error) {
	return func(tx chancery.Tx) (chancery.Certificate, error) { return tx.Certificate(c.AccountID, c.ID) }
}

func certificateKey(c chancery.Certificate) func(chancery.Tx) (chancery.Secret, error) {
	return func(tx chancery.Tx) (chancery.Secret, error) {
		opened, err := tx.CertificateKeys(c.AccountID, c.ID)
		return opened.Key, err
	}
}

func certificateNamed(c chancery.Certificate) func(chancery.Tx) (chancery.CertificateID, error) {
	return func(tx chancery.Tx) (chancery.CertificateID, error) { return tx.CertificateNamed(c.AccountID, c.Name) }
}

func certificateOfOrder(c chancery.Certificate) func(chancery.Tx) (chancery.Certificate, error) {
	return func(tx chancery.Tx) (chancery.Certificate, error) {
		return tx.CertificateOfOrder(c.AccountID, c.OrderID)
	}
}

func aCertificateNameIsTakenOnce(t *testing.T, s chancery.Store) {
	first, second := uploadOf(newAccount(t, s)), uploadOf(newAccount(t, s))
	second.Name = first.Name // in another account
	third := uploadOf(first.AccountID)
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.AddCertificate(first), tx.AddCertificate(second), tx.AddCertificate(third))
	})
	fourth := uploadOf(first.AccountID)
	third.Name, fourth.Name = first.Name, first.Name
	refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddCertificate(fourth) })
	refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.UpdateCertificate(third) })
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateCertificate(first) }) // its own name is free to itself
}

func anUpdateOfACertificateWritesWhatCanChange(t *testing.T, s chancery.Store) {
	want := uploadOf(newAccount(t, s))
	write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(want) })
	want.Name, want.ResourceGroup, want.Tags = "renamed", "rg-2", []chancery.Tag{{Key: "moved"}}
	want.RevokedAt, want.RevokeReason = at(3), chancery.KeyCompromise
	// The rest of a certificate was settled when it was added.
	forged := want
	forged.InstanceID, forged.Serial, forged.SANs, forged.PEM, forged.CreatedAt = "x", "x", "evil.example.test", "x", at(9)
	forged.SM2 = chancery.SM2Pairs{SignPEM: "x", EncryptPEM: "x"}
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateCertificate(forged) })
	same(t, "the certificate", answer(t, s, func(tx chancery.Tx) (chancery.Certificate, error) {
		return tx.CertificateKeys(want.AccountID, want.ID)
	}), want)
}

func aDeletedCertificateStaysWithItsOrder(t *testing.T, s chancery.Store) {
	c := Furnish(t, s).Certificate
	for _, minute := range []int{1, 2} { // deleting it again changes nothing
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteCertificate(c.AccountID, c.ID, at(minute)) })
		missing(t, s, certificate(c))
		missing(t, s, certificateKey(c))
		missing(t, s, certificateNamed(c))
		kept := c
		kept.Key = chancery.Secret{}
		same(t, "what the order has", answer(t, s, certificateOfOrder(c)), kept)
	}
	upload := uploadOf(c.AccountID)
	upload.Name = c.Name // is free again
	write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(upload) })
	audit(t, s)
}

// aDeletedCertificateStaysDeleted revokes an order after its certificate was deleted.
func aDeletedCertificateStaysDeleted(t *testing.T, s chancery.Store) {
	estate := Furnish(t, s)
	c := estate.Certificate
	upload := uploadOf(c.AccountID)
	upload.Name = c.Name
	write(t, s, func(tx chancery.Tx) error {
		return errors.Join(tx.DeleteCertificate(c.AccountID, c.ID, at(3)), tx.AddCertificate(upload))
	})
	write(t, s, func(tx chancery.Tx) error {
		_, err := happen(tx, estate.Orders[chancery.Issued], chancery.Recalled, at(4))
		return err
	})
	missing(t, s, certificate(c))
	if answer(t, s, certificateOfOrder(c)).RevokedAt.IsZero() {
		t.Error("it is not revoked")
	}
	audit(t, s)
}

// intend records what is about to be signed for an order.
func intend(t *testing.T, s chancery.Store, o chancery.Order, serial string) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) error {
		if err := addAuthorityOnce(tx); err != nil {
			return err
		}
		return tx.AddIssuance(issuanceOf(o, serial))
	})
}

func complete(serial, certificate string) func(chancery.Tx) error {
	return func(tx chancery.Tx) error { return tx.CompleteIssuance(serial, []byte(certificate)) }
}

func signed(o chancery.Order) func(chancery.Tx) (chancery.Issuance, error) {
	return func(tx chancery.Tx) (chancery.Issuance, error) { return tx.SignedIssuance(o.AccountID, o.ID) }
}
