package storetest

import (
	"fmt"
	"strings"
	"testing"

	"chancery"
)

var secrets = []promise{
	{"a sealed value opens in its own row only", aSealedValueOpensInItsOwnRow},
}

// sealed is a place of a sealed value, and how to open it.
type sealed struct {
	table, column, row string // row is a condition
	open               func(chancery.Tx) (chancery.Secret, error)
}

// aSealedValueOpensInItsOwnRow moves sealed values about, as somebody could who
// can write to the database and wants the service to open them for him.
func aSealedValueOpensInItsOwnRow(t *testing.T, s chancery.Store) {
	tamperer, ok := s.(Tamperer)
	if !ok {
		t.Skip("the engine cannot be tampered with")
	}
	mine, theirs := Furnish(t, s), Furnish(t, s)
	first, second, another := sealedAccessKey(t, s, mine.Account), sealedAccessKey(t, s, mine.Account), sealedAccessKey(t, s, theirs.Account)
	waiting, proved := sealedOrderKey(mine.Orders[chancery.DomainVerify]), sealedOrderKey(mine.Orders[chancery.Process])
	write(t, s, func(tx chancery.Tx) error { return tx.AddOrderKey(keyOf(mine.Orders[chancery.Process])) })
	certified, certificate := sameIDs(t, s, mine.Account)
	role := addRole(t, s, mine.Account, "sealing")
	session, other := sealedSession(addSession(t, s, role)), sealedSession(addSession(t, s, role))
	ca := sealed{"authorities", "key", "1 = 1", func(tx chancery.Tx) (chancery.Secret, error) {
		authorities, err := tx.Authorities()
		if err != nil {
			return chancery.Secret{}, err
		}
		return authorities[0].Key, nil
	}}
	for _, c := range []struct {
		says     string
		from, to sealed
	}{
		{"an access key's secret in another row of the account", first, second},
		{"an access key's secret in another account's row", first, another},
		{"an order's key in another row of the account", waiting, proved},
		{"an order's key in another account's row", waiting, sealedOrderKey(theirs.Orders[chancery.DomainVerify])},
		{"a certificate's key in another row of the account", certificate, sealedCertificate(mine.Certificate)},
		{"an order's key as that of a certificate with the same id", certified, certificate},
		{"an issuer's external key as its account's key", sealedAtCA("acme_issuers", "eab_key", "name = 'estate'"), sealedAtCA("acme_accounts", "key", "issuer = 'estate'")},
		{"a session's secret in another row of the account", session, other},
		{"a session's secret in another account's row", session, sealedSession(theirs.Session)},
		{"an access key's secret as a session's", first, session},
		{"a certificate's key as an authority's", sealedCertificate(theirs.Certificate), ca},
	} {
		t.Run(c.says, func(t *testing.T) {
			move := fmt.Sprintf("UPDATE %s SET %s = (SELECT %s FROM %s WHERE %s) WHERE %s",
				c.to.table, c.to.column, c.from.column, c.from.table, c.from.row, c.to.row)
			staysShutAfter(t, s, tamperer, move, c.to)
		})
	}
	t.Run("an access key's row under another account", func(t *testing.T) {
		staysShutAfter(t, s, tamperer, fmt.Sprintf("UPDATE access_keys SET account_id = %d WHERE %s", theirs.Account, first.row), first)
	})
}

// staysShutAfter tampers with a value and asks for it.
func staysShutAfter(t *testing.T, s chancery.Store, tamperer Tamperer, statement string, place sealed) {
	t.Helper()
	before := answer(t, s, place.open)
	if before.Empty() {
		t.Fatal("there was nothing to open before")
	}
	if err := tamperer.Tamper(statement); err != nil {
		t.Fatal(err)
	}
	secret, err := answerOrError(s, place.open)
	if err == nil || !secret.Empty() {
		t.Fatalf("it opened: %v", err)
	}
	if strings.Contains(err.Error(), string(before.Reveal())) {
		t.Error("the error holds a secret")
	}
}

func sealedAccessKey(t *testing.T, s chancery.Store, account chancery.AccountID) sealed {
	t.Helper()
	key := chancery.NewAccessKey(account, start)
	write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
	return sealed{"access_keys", "secret", fmt.Sprintf("id = '%s'", key.ID), func(tx chancery.Tx) (chancery.Secret, error) {
		key, err := tx.AccessKey(key.ID)
		return key.Secret, err
	}}
}

func sealedSession(s chancery.Session) sealed {
	return sealed{"sessions", "secret", fmt.Sprintf("access_key_id = '%s'", s.AccessKeyID), func(tx chancery.Tx) (chancery.Secret, error) {
		session, err := tx.Session(s.AccessKeyID)
		return session.Secret, err
	}}
}

func sealedOrderKey(o chancery.Order) sealed {
	return sealed{"order_keys", "key", fmt.Sprintf("order_id = %d", o.ID), func(tx chancery.Tx) (chancery.Secret, error) {
		key, err := tx.OrderKey(o.AccountID, o.ID)
		return key.Key, err
	}}
}

func sealedCertificate(c chancery.Certificate) sealed {
	return sealed{"certificates", "key", fmt.Sprintf("id = %d", c.ID), certificateKey(c)}
}

// sameIDs gives an order's key and a certificate's whose rows have the same id.
func sameIDs(t *testing.T, s chancery.Store, account chancery.AccountID) (key, certificate sealed) {
	t.Helper()
	order := draft(account)
	c := certificateOf(order)
	order.ID = chancery.OrderID(c.ID)
	c.OrderID = order.ID
	write(t, s, func(tx chancery.Tx) (err error) {
		if order, err = open(tx, order, start); err != nil {
			return err
		}
		if err := tx.AddOrderKey(keyOf(order)); err != nil {
			return err
		}
		return tx.AddCertificate(c)
	})
	return sealedOrderKey(order), sealedCertificate(c)
}

// sealedAtCA is a secret of the estate's ACME CA.
func sealedAtCA(table, column, row string) sealed {
	return sealed{table, column, row, func(tx chancery.Tx) (chancery.Secret, error) {
		if table == "acme_accounts" {
			account, err := tx.ACMEAccount(estateCA)
			return account.Key, err
		}
		issuer, err := tx.ACMEIssuer(estateCA)
		return issuer.EABKey, err
	}}
}
