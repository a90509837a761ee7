package storetest

import (
	"testing"
	"time"

	"chancery"
)

// lateCRLs are those whose end has passed, from the first moment after it.
func lateCRLs(t *testing.T, s chancery.Store) {
	late := func(now time.Time, most int) (ends []time.Time) {
		t.Helper()
		for _, crl := range answer(t, s, func(tx chancery.Tx) ([]chancery.CRL, error) { return tx.LateCRLs(now, most) }) {
			if crl.AuthorityID != authority().ID || crl.Partition != 0 || crl.Number != 1 {
				t.Errorf("a CRL that is late: %+v", crl)
			}
			ends = append(ends, crl.NextUpdate)
		}
		return ends
	}
	same(t, "without any", late(at(999_999), 10), nil)
	Furnish(t, s)
	end := at(5).AddDate(0, 0, 7)
	same(t, "at its end", late(end, 10), nil)
	same(t, "after it", late(end.Add(time.Millisecond), 10), []time.Time{end})
	same(t, "none of them", late(end.Add(time.Millisecond), 0), nil)
}
