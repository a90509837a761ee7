package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

var plans = []promise{
	{"a plan gets an id that clients can keep, and comes back as it was added", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		endless := grant(t, s, chancery.Plan{AccountID: account, Total: chancery.MaxGrant, GrantedAt: at(0)})
		ending := grant(t, s, chancery.Plan{AccountID: account, Total: 1, GrantedAt: at(1), ExpiresAt: at(2)})
		for _, plan := range []chancery.Plan{endless, ending} {
			if plan.ID < 1 || plan.ID >= 1<<53 {
				t.Errorf("plan id %d", plan.ID)
			}
		}
		same(t, "the plans, oldest first", plansOf(t, s, account), []chancery.Plan{endless, ending})
	}},
	{"a unit is taken from the plan that ends first", unitsComeFromThePlanThatEndsFirst},
	{"a unit taken has one ledger line", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		plan := grant(t, s, chancery.Plan{AccountID: account, Total: 2})
		order := live(t, s, account)
		if order.PlanID != plan.ID {
			t.Errorf("the unit is of plan %d, not %d", order.PlanID, plan.ID)
		}
		same(t, "the ledger", ledgerOf(t, s, account), []chancery.LedgerLine{lineOf(order, chancery.Debit, start)})
		plan.Used = 1
		same(t, "the plans", plansOf(t, s, account), []chancery.Plan{plan})
	}},
	{"an order takes one unit and no second", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 9})
		order := live(t, s, account)
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error {
			_, err := tx.TakeUnit(account, product, order.ID, at(1))
			return err
		})
		if used := plansOf(t, s, account)[0].Used; used != 1 {
			t.Errorf("%d units are used", used)
		}
	}},
	{"no more units are taken than there are, and each is in the ledger", func(t *testing.T, s chancery.Store) {
		rapid.Check(t, func(rt *rapid.T) { neverMoreThanThereAre(rt, s) })
	}},
	{"a unit is given back once", aUnitIsGivenBackOnce},
	{"a unit that many give back at once comes back once", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 3})
		order := live(t, s, account)
		live(t, s, account)
		errs := atOnce(16, func(int) error {
			return s.Write(context.Background(), func(tx chancery.Tx) error { return tx.ReturnUnit(account, order.ID, at(1)) })
		})
		succeeded(t, errs, nil)
		if used := plansOf(t, s, account)[0].Used; used != 1 {
			t.Errorf("%d units are used, want the other order's", used)
		}
	}},
	{"an order without a unit has none to give back", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.ReturnUnit(account, 404, start) })
	}},
	{"quota is the sum over the plans that count", quotaIsASum},
	{"a page of the ledger is listed newest first", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 3})
		first := live(t, s, account, chancery.Withdrawn, chancery.Removed)
		for page, want := range []chancery.LedgerLine{lineOf(first, chancery.Refund, at(2)), lineOf(first, chancery.Debit, start)} {
			var total int64
			got := answer(t, s, func(tx chancery.Tx) (lines []chancery.LedgerLine, err error) {
				lines, total, err = tx.LedgerPage(account, chancery.Page{Number: int64(page + 1), Size: 1})
				return lines, err
			})
			same(t, "the page", got, []chancery.LedgerLine{want})
			same(t, "the total", total, 2)
		}
	}},
	{"the ledger is listed oldest first", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 3})
		first := live(t, s, account, chancery.Withdrawn, chancery.Removed)
		second := draft(account)
		write(t, s, func(tx chancery.Tx) (err error) {
			second, err = open(tx, second, at(1))
			return err
		})
		same(t, "the ledger", ledgerOf(t, s, account), []chancery.LedgerLine{
			lineOf(first, chancery.Debit, start), lineOf(second, chancery.Debit, at(1)), lineOf(first, chancery.Refund, at(2)),
		})
	}},
}

func plansOf(t rapid.TB, s chancery.Store, account chancery.AccountID) []chancery.Plan {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) ([]chancery.Plan, error) { return tx.Plans(account) })
}

func ledgerOf(t rapid.TB, s chancery.Store, account chancery.AccountID) []chancery.LedgerLine {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) ([]chancery.LedgerLine, error) { return tx.Ledger(account) })
}

func lineOf(o chancery.Order, kind chancery.LedgerKind, when time.Time) chancery.LedgerLine {
	return chancery.LedgerLine{AccountID: o.AccountID, PlanID: o.PlanID, OrderID: o.ID, Kind: kind, At: when}
}

// unitsComeFromThePlanThatEndsFirst takes all units of several plans at minute 10.
func unitsComeFromThePlanThatEndsFirst(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	names := map[int64]string{}
	for _, p := range []struct {
		name string
		plan chancery.Plan
	}{
		{"without end", chancery.Plan{Total: 1}},
		{"ends last", chancery.Plan{Total: 2, ExpiresAt: at(30)}},
		{"ends first", chancery.Plan{Total: 2, ExpiresAt: at(10).Add(time.Millisecond)}},
		{"ends like another, granted later", chancery.Plan{Total: 1, ExpiresAt: at(20), GrantedAt: at(1)}},
		{"ends like another, granted earlier", chancery.Plan{Total: 1, ExpiresAt: at(20), GrantedAt: at(0)}},
		{"has ended", chancery.Plan{Total: 5, ExpiresAt: at(9)}},
		{"ends at this moment", chancery.Plan{Total: 5, ExpiresAt: at(10)}},
		{"has no units", chancery.Plan{Total: 0, ExpiresAt: at(11)}},
		{"of another product", chancery.Plan{Total: 5, ExpiresAt: at(11), ProductCode: "geotrust-dv-1-starter"}},
	} {
		p.plan.AccountID = account
		names[grant(t, s, p.plan).ID] = p.name
	}
	var taken []string
	for {
		order := draft(account)
		err := s.Write(context.Background(), func(tx chancery.Tx) (err error) {
			order, err = open(tx, order, at(10))
			return err
		})
		if errors.Is(err, chancery.ErrNotFound) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		taken = append(taken, names[order.PlanID])
	}
	same(t, "units come from the plans", taken, []string{
		"ends first", "ends first", "ends like another, granted earlier", "ends like another, granted later",
		"ends last", "ends last", "without end",
	})
}

// neverMoreThanThereAre has 64 orders at once on plans that may not be enough.
func neverMoreThanThereAre(t *rapid.T, s chancery.Store) {
	account := newAccount(t, s)
	var left int64
	for i := range rapid.IntRange(0, 5).Draw(t, "plans") {
		plan := chancery.Plan{AccountID: account, Total: rapid.Int64Range(0, 30).Draw(t, fmt.Sprintf("total %d", i))}
		if rapid.Bool().Draw(t, fmt.Sprintf("ends %d", i)) {
			plan.ExpiresAt = at(rapid.IntRange(-5, 5).Draw(t, fmt.Sprintf("end %d", i)))
		}
		if grant(t, s, plan); !plan.Expired(start) {
			left += plan.Total
		}
	}
	const orders = 64
	taken := make([]int64, orders) // the plan of each order
	errs := atOnce(orders, func(i int) error {
		return s.Write(context.Background(), func(tx chancery.Tx) error {
			order, err := open(tx, draft(account), start)
			taken[i] = order.PlanID
			return err
		})
	})
	if n := int64(succeeded(t, errs, chancery.ErrNotFound)); n != min(left, orders) {
		t.Fatalf("%d orders got a unit of %d", n, left)
	}
	held := map[int64]int64{}
	for _, plan := range taken {
		held[plan]++
	}
	for _, plan := range plansOf(t, s, account) {
		if plan.Used > plan.Total || plan.Used != held[plan.ID] || plan.Used > 0 && plan.Expired(start) {
			t.Fatalf("plan %+v, of which %d orders hold units", plan, held[plan.ID])
		}
	}
	lines := map[chancery.OrderID]int{}
	for _, line := range ledgerOf(t, s, account) {
		lines[line.OrderID]++
	}
	if int64(len(lines)) != min(left, orders) || len(lines) != len(ledgerOf(t, s, account)) {
		t.Fatalf("%d orders are in the ledger", len(lines))
	}
}

func aUnitIsGivenBackOnce(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	plan := grant(t, s, chancery.Plan{AccountID: account, Total: 1})
	order := live(t, s, account)
	for minute := range 3 {
		write(t, s, func(tx chancery.Tx) error { return tx.ReturnUnit(account, order.ID, at(minute)) })
	}
	same(t, "the plans", plansOf(t, s, account), []chancery.Plan{plan})
	same(t, "the ledger", ledgerOf(t, s, account), []chancery.LedgerLine{
		lineOf(order, chancery.Debit, start), lineOf(order, chancery.Refund, start),
	})
	// The unit serves another order now, and the first cannot return that one too.
	live(t, s, account)
	write(t, s, func(tx chancery.Tx) error { return tx.ReturnUnit(account, order.ID, at(4)) })
	plan.Used = 1
	same(t, "the plans", plansOf(t, s, account), []chancery.Plan{plan})
}

func quotaIsASum(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	ask := func(minute int) chancery.Quota {
		return answer(t, s, func(tx chancery.Tx) (chancery.Quota, error) { return tx.Quota(account, product, at(minute)) })
	}
	same(t, "without a plan", ask(0), chancery.Quota{})
	grant(t, s, chancery.Plan{AccountID: account, Total: 3, ExpiresAt: at(10)})
	grant(t, s, chancery.Plan{AccountID: account, Total: 7, ExpiresAt: at(20)})
	grant(t, s, chancery.Plan{AccountID: account, Total: 5})
	grant(t, s, chancery.Plan{AccountID: account, Total: 99, ProductCode: "geotrust-dv-1-starter"})
	same(t, "at first", ask(0), chancery.Quota{Total: 15})

	live(t, s, account)
	live(t, s, account, chancery.Withdrawn)
	live(t, s, account, chancery.Withdrawn, chancery.Removed)
	live(t, s, account, chancery.Proved, chancery.Signed)
	live(t, s, account, chancery.Proved)
	same(t, "with four units held, three of the first plan", ask(0), chancery.Quota{Total: 15, Used: 4, Issued: 1})
	same(t, "just before the first plan ends", ask(9), chancery.Quota{Total: 15, Used: 4, Issued: 1})
	same(t, "when the first plan, all in use, has ended", ask(10), chancery.Quota{Total: 15, Used: 4, Issued: 1})
	same(t, "when six units of the second went with it", ask(20), chancery.Quota{Total: 9, Used: 4, Issued: 1})
	stranger := newAccount(t, s)
	same(t, "of another account", answer(t, s, func(tx chancery.Tx) (chancery.Quota, error) {
		return tx.Quota(stranger, product, start)
	}), chancery.Quota{})
}
