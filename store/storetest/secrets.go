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

// aSealedValueOpensInItsOwnRow moves sealed values about, as somebody could who
// can write to the database and wants the service to open them for him.
func aSealedValueOpensInItsOwnRow(t *testing.T, s chancery.Store) {
	tamperer, ok := s.(Tamperer)
	if !ok {
		t.Skip("the engine cannot be tampered with")
	}
	mine, theirs := Furnish(t, s), Furnish(t, s)
	myOrder, theirOrder := mine.Orders[chancery.DomainVerify].ID, theirs.Orders[chancery.DomainVerify].ID
	for _, c := range []struct {
		says      string
		statement string
		ask       func(chancery.Tx) (chancery.Secret, error)
	}{
		{
			"an access key's secret in another key's row",
			fmt.Sprintf("UPDATE access_keys SET secret = (SELECT secret FROM access_keys WHERE id = '%s') WHERE id = '%s'", theirs.AccessKey.ID, mine.AccessKey.ID),
			func(tx chancery.Tx) (chancery.Secret, error) {
				key, err := tx.AccessKey(mine.AccessKey.ID)
				return key.Secret, err
			},
		},
		{
			"an access key's row under another account",
			fmt.Sprintf("UPDATE access_keys SET account_id = %d WHERE id = '%s'", mine.Account, theirs.AccessKey.ID),
			func(tx chancery.Tx) (chancery.Secret, error) {
				key, err := tx.AccessKey(theirs.AccessKey.ID)
				return key.Secret, err
			},
		},
		{
			"another order's key",
			fmt.Sprintf("UPDATE order_keys SET key = (SELECT key FROM order_keys WHERE order_id = %d) WHERE order_id = %d", theirOrder, myOrder),
			func(tx chancery.Tx) (chancery.Secret, error) {
				key, err := tx.OrderKey(mine.Account, myOrder)
				return key.Key, err
			},
		},
		{
			"another certificate's key",
			fmt.Sprintf("UPDATE certificates SET key = (SELECT key FROM certificates WHERE id = %d) WHERE id = %d", theirs.Certificate.ID, mine.Certificate.ID),
			func(tx chancery.Tx) (chancery.Secret, error) {
				return tx.CertificateKey(mine.Account, mine.Certificate.ID)
			},
		},
		{
			"an order's key in a certificate's row",
			fmt.Sprintf("UPDATE certificates SET key = (SELECT key FROM order_keys WHERE order_id = %d) WHERE id = %d", theirOrder, theirs.Certificate.ID),
			func(tx chancery.Tx) (chancery.Secret, error) {
				return tx.CertificateKey(theirs.Account, theirs.Certificate.ID)
			},
		},
		{
			"a certificate's key as an authority's",
			fmt.Sprintf("UPDATE authorities SET key = (SELECT key FROM certificates WHERE id = %d)", mine.Certificate.ID),
			func(tx chancery.Tx) (chancery.Secret, error) {
				authorities, err := tx.Authorities()
				if err != nil {
					return chancery.Secret{}, err
				}
				return authorities[0].Key, nil
			},
		},
	} {
		t.Run(c.says, func(t *testing.T) {
			if key := answer(t, s, c.ask); key.Empty() {
				t.Fatal("there was nothing to open before")
			}
			if err := tamperer.Tamper(c.statement); err != nil {
				t.Fatal(err)
			}
			secret, err := answerOrError(s, c.ask)
			if err == nil || !secret.Empty() {
				t.Fatalf("it opened: %v", err)
			}
			for _, known := range []chancery.Secret{mine.AccessKey.Secret, theirs.AccessKey.Secret, leafKey().text, authority.Key} {
				if strings.Contains(err.Error(), string(known.Reveal())) {
					t.Error("the error holds a secret")
				}
			}
		})
	}
}
