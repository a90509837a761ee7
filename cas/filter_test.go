package cas

import (
	"slices"
	"testing"

	"chancery"
)

// Whatever is asked for, a filter is read the same in every letter case, and what
// passes names kinds and statuses that lists know.
func FuzzListFilter(f *testing.F) {
	f.Add("CPACK", "PAYED", "x")
	f.Add("cert", "willexpired", "%_!")
	f.Add("BUY", "NOTACTIVATED", "")
	f.Add("UPLOAD", "REVOKED", "\x00")
	f.Fuzz(func(t *testing.T, kind, status, keyword string) {
		in := ListUserCertificateOrderInput{OrderType: kind, Status: status, Keyword: keyword}
		filter, err := in.filter()
		if code := chancery.CodeOf(err); code != "" && code != chancery.InvalidParameter {
			t.Fatalf("code %s", code)
		}
		if err != nil {
			return
		}
		for _, s := range filter.Statuses {
			if s != notActivated && !slices.Contains(chancery.ListStatuses, s) {
				t.Errorf("status %q", s)
			}
		}
		for _, k := range filter.Kinds {
			if k != chancery.ListOrder && k != chancery.ListIssued && k != chancery.ListUploaded {
				t.Errorf("kind %q", k)
			}
		}
	})
}
