package admin

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"chancery"
)

// A reading within some lines looks through no others, says which they were, and by it
// one comes to all of them, either way; without it every line is looked through.
func TestAuditPart(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID // the first line
	const lines = 100
	begin := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	err := i.Store.Write(ctx, func(tx chancery.Tx) error {
		for n := range lines - 1 {
			line := chancery.AuditLine{AccountID: account, At: begin.Add(time.Duration(n) * time.Hour), Action: "chancery:Test"}
			if n%24 == 0 {
				line.Resource = "order/1" // lines 2, 26, 50, 74 and 98
			}
			if err := tx.AppendAudit(line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(ask AuditQuery) AuditLines {
		t.Helper()
		return must[AuditLines](t, i.Admin, "audit.read", ask)
	}
	seqs := func(page AuditLines) (list []int64) {
		for _, l := range page.Lines {
			list = append(list, l.Seq)
		}
		return list
	}
	for name, c := range map[string]struct {
		ask  AuditQuery
		want []int64
		part string
	}{
		"the newest":          {AuditQuery{Before: math.MaxInt64}, []int64{98, 74}, "71-100 older"},
		"further back":        {AuditQuery{Before: 71}, []int64{50}, "41-70 older newer"},
		"to the first":        {AuditQuery{Before: 11}, []int64{2}, "1-10 newer"},
		"before the first":    {AuditQuery{Before: 1}, nil, "1-0 newer"},
		"onward":              {AuditQuery{After: 10}, []int64{26}, "11-40 older newer"},
		"to the last":         {AuditQuery{After: 90}, []int64{98}, "91-100 older"},
		"as many as it may":   {AuditQuery{Before: 100, Limit: 1}, []int64{98}, "98-99 older newer"},
		"onward, likewise":    {AuditQuery{After: 20, Limit: 1}, []int64{26}, "21-26 older newer"},
		"until a time":        {AuditQuery{Before: math.MaxInt64, Until: begin.Add(48 * time.Hour)}, []int64{26}, "20-49 older newer"},
		"until before it all": {AuditQuery{Before: math.MaxInt64, Until: begin.AddDate(-30, 0, 0)}, nil, "1-1 newer"},
		"since a time":        {AuditQuery{Before: math.MaxInt64, Since: begin.Add(98 * time.Hour)}, nil, "71-100 older"},
	} {
		c.ask.Within, c.ask.Resource = 30, "order/1"
		page := read(c.ask)
		part := fmt.Sprintf("%d-%d", page.Part.From, page.Part.To)
		if page.Part.Older {
			part += " older"
		}
		if page.Part.Newer {
			part += " newer"
		}
		if got := seqs(page); !slices.Equal(got, c.want) || part != c.part {
			t.Errorf("%s: %v of %s, not %v of %s", name, got, part, c.want, c.part)
		}
	}
	if page := read(AuditQuery{Resource: "order/1"}); page.Part != nil || !slices.Equal(seqs(page), []int64{2, 26, 50, 74, 98}) {
		t.Errorf("without an end it reads %v, part %v", seqs(page), page.Part)
	}
	if at := read(AuditQuery{Before: 41, Within: 10}).Part.Since; !at.Equal(begin.Add(29 * time.Hour)) {
		t.Errorf("line 31 is said to be of %s", at)
	}
	other := must[Account](t, i.Admin, "account.create", NewAccount{Name: "other"}).ID
	err = i.Store.Write(ctx, func(tx chancery.Tx) error {
		_, err := tx.ForgetAudit(other, begin.AddDate(90, 0, 0), lines)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if page := read(AuditQuery{AccountID: other, Before: math.MaxInt64, Within: 5}); page.Part != nil || len(page.Lines) != 0 {
		t.Errorf("a log without lines: %+v", page)
	}
}
