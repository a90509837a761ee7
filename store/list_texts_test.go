package store

import (
	"strings"
	"testing"

	"chancery"
	"chancery/store/storetest"
)

// What was removed is not kept for searches either.
func TestNamesOfRemovedEntriesAreGone(t *testing.T) {
	e := newEngine(t)
	estate := storetest.Furnish(t, e)
	for _, c := range []chancery.Certificate{estate.Certificate, estate.Uploaded} {
		e.write(t, func(tx chancery.Tx) error { return tx.DeleteCertificate(estate.Account, c.ID, c.CreatedAt) })
	}
	var text string
	if err := e.reads.QueryRow("SELECT text FROM list_texts").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, estate.Uploaded.CommonName) || !strings.Contains(text, estate.Orders[chancery.Issued].InstanceID) {
		t.Errorf("the upload and no order should be gone:\n%s", text)
	}
	if err := e.Audit(ctx); err != nil {
		t.Error(err)
	}
}
