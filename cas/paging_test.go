package cas_test

import (
	"fmt"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
)

// Clients ask for pages of 50 until one is short, or until they have as many rows
// as TotalCount says: both must end with every row seen once, the newest first.
func TestPagesOf50(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	have := 0
	for _, count := range []int{0, 49, 50, 51, 100} {
		env.Write(func(tx chancery.Tx) error {
			for ; have < count; have++ {
				c := chancery.Contact{
					ID: int64(1000 - have), AccountID: env.Account, Name: fmt.Sprint(have), Mobile: "1",
					CreatedAt: env.Clock.Now().Add(time.Duration(have/2) * time.Second), // two at a time
				}
				if err := tx.AddContact(c); err != nil {
					return err
				}
			}
			return nil
		})
		var seen []cas.ContactDetail
		for number := int64(1); ; number++ {
			var out cas.ListContactOutput
			env.Call("ListContact", cas.ListContactInput{CurrentPage: number, ShowSize: 50}).Decode(&out)
			if out.CurrentPage != number || out.ShowSize != 50 || out.TotalCount != int64(count) {
				t.Errorf("%d rows, page %d: %+v", count, number, out)
			}
			seen = append(seen, out.ContactList...)
			if len(out.ContactList) < 50 {
				break
			}
		}
		if len(seen) != count {
			t.Fatalf("%d rows of %d", len(seen), count)
		}
		for i, row := range seen {
			if pair := (count - 1 - i) / 2; row.Name != fmt.Sprint(2*pair) && row.Name != fmt.Sprint(2*pair+1) {
				t.Errorf("row %d of %d is contact %s", i, count, row.Name)
			}
		}
	}
}

func TestPageLimits(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for action, size := range map[string]string{"ListCsr": "50", "ListContact": "20", "ListCompanies": "10"} {
		fields := env.Signed(action, nil).Fields()
		if fields["CurrentPage"] != "1" || fields["ShowSize"] != size || fields["TotalCount"] != "0" {
			t.Errorf("%s: %v", action, fields)
		}
		fields = env.Signed(action, map[string]string{"CurrentPage": "9223372036854775807", "ShowSize": "9223372036854775807"}).Fields()
		if fields["CurrentPage"] != "9223372036854775807" || fields["ShowSize"] != "100" || fields["TotalCount"] != "0" {
			t.Errorf("%s: %v", action, fields)
		}
		for _, name := range []string{"CurrentPage", "ShowSize"} {
			for _, value := range []string{"-1", "x", "1.5", "9223372036854775808"} {
				refuses(t, env, action, map[string]string{name: value}, chancery.InvalidParameter)
			}
		}
	}
}
