package storetest

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

var lives = []promise{
	{"plans, ledger and orders agree through any life", func(t *testing.T, s chancery.Store) {
		rapid.Check(t, func(rt *rapid.T) {
			w := world{store: s, account: newAccount(rt, s), now: start, orders: map[chancery.OrderID]chancery.Order{}}
			rt.Repeat(map[string]func(*rapid.T){
				"grant":      w.grant,
				"apply":      w.apply,
				"event":      w.event,
				"late write": w.lateWrite,
				"time":       w.pass,
				"":           w.agree,
			})
			audit(rt, s)
		})
	}},
	{"every step of every life leaves sound data", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 50})
		for _, way := range ways {
			for i := range len(way) + 1 {
				live(t, s, account, way[:i]...)
				audit(t, s)
			}
		}
	}},
	{"an estate is sound", func(t *testing.T, s chancery.Store) {
		Furnish(t, s)
		audit(t, s)
	}},
}

// audit has the engine's own auditor look, if it has one.
func audit(t rapid.TB, s chancery.Store) {
	t.Helper()
	if auditor, ok := s.(Auditor); ok {
		if err := auditor.Audit(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// world is what one account should have: a store so simple that it is plainly right.
type world struct {
	store   chancery.Store
	account chancery.AccountID
	now     time.Time
	plans   []chancery.Plan // in the order they were granted
	orders  map[chancery.OrderID]chancery.Order
	ledger  []chancery.LedgerLine
}

func (w *world) pass(t *rapid.T) {
	w.now = w.now.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "minutes")) * time.Minute)
}

func (w *world) grant(t *rapid.T) {
	w.now = w.now.Add(time.Millisecond) // so that the order of plans is plain
	plan := chancery.Plan{AccountID: w.account, Total: rapid.Int64Range(0, 3).Draw(t, "total"), GrantedAt: w.now}
	if rapid.Bool().Draw(t, "ends") {
		plan.ExpiresAt = w.now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "half hours")) * 30 * time.Minute)
	}
	w.plans = append(w.plans, grant(t, w.store, plan))
}

// next is the plan that gives the next unit, or nil.
func (w *world) next() *chancery.Plan {
	var best *chancery.Plan
	for i := range w.plans {
		p := &w.plans[i]
		if p.Used == p.Total || p.Expired(w.now) {
			continue
		}
		if best == nil || !p.ExpiresAt.IsZero() && (best.ExpiresAt.IsZero() || p.ExpiresAt.Before(best.ExpiresAt)) {
			best = p
		}
	}
	return best
}

func (w *world) apply(t *rapid.T) {
	order := draft(w.account)
	err := w.store.Write(context.Background(), func(tx chancery.Tx) (err error) {
		order, err = open(tx, order, w.now)
		return err
	})
	plan := w.next()
	if plan == nil {
		if !errors.Is(err, chancery.ErrNotFound) {
			t.Fatalf("an order without a unit: %v", err)
		}
		return
	}
	if err != nil || order.PlanID != plan.ID {
		t.Fatalf("the unit is of plan %d, %v; want %d", order.PlanID, err, plan.ID)
	}
	plan.Used++
	w.orders[order.ID] = order
	w.ledger = append(w.ledger, lineOf(order, chancery.Debit, w.now))
}

// any draws one of the orders there are.
func (w *world) any(t *rapid.T) chancery.Order {
	ids := slices.Sorted(maps.Keys(w.orders))
	if len(ids) == 0 {
		t.Skip("no order")
	}
	return w.orders[ids[rapid.IntRange(0, len(ids)-1).Draw(t, "order")]]
}

// event lets anything happen to any order, also what cannot.
func (w *world) event(t *rapid.T) {
	before := w.any(t)
	event := chancery.Transitions[rapid.IntRange(0, len(chancery.Transitions)-1).Draw(t, "event")].On
	after := before
	err := w.store.Write(context.Background(), func(tx chancery.Tx) (err error) {
		after, err = happen(tx, before, event, w.now)
		return err
	})
	if impossible := (&chancery.Order{State: before.State}).Apply(event); impossible != nil {
		if chancery.CodeOf(err) != chancery.OrderStateError {
			t.Fatalf("an order in state %s was %s: %v", before.State, event, err)
		}
		return
	}
	if err != nil {
		t.Fatalf("an order in state %s is %s: %v", before.State, event, err)
	}
	w.orders[before.ID] = after
	if event == chancery.Removed || event == chancery.Recalled {
		i := slices.IndexFunc(w.plans, func(p chancery.Plan) bool { return p.ID == before.PlanID })
		w.plans[i].Used--
		w.ledger = append(w.ledger, lineOf(before, chancery.Refund, w.now))
	}
}

// lateWrite is by somebody who read the order before its last change.
func (w *world) lateWrite(t *rapid.T) {
	order := w.any(t)
	order.Version--
	order.State = chancery.Deleted
	refused(t, w.store, chancery.ErrConflict, func(tx chancery.Tx) error {
		if err := tx.ReturnUnit(w.account, order.ID, w.now); err != nil {
			return err
		}
		return tx.UpdateOrder(order)
	})
}

// estateNow is what an account's rows say, all read at one moment.
type estateNow struct {
	Plans  []chancery.Plan
	Ledger []chancery.LedgerLine
	Quota  chancery.Quota
	Orders map[chancery.OrderID]chancery.Order // without those deleted
}

// agree compares the store with the world.
func (w *world) agree(t *rapid.T) {
	same(t, "the account", w.stored(t), estateNow{Plans: w.plans, Ledger: w.sortedLedger(), Quota: w.quota(), Orders: w.found()})
}

func (w *world) stored(t *rapid.T) estateNow {
	return answer(t, w.store, func(tx chancery.Tx) (now estateNow, err error) {
		now.Orders = map[chancery.OrderID]chancery.Order{}
		for id := range w.orders {
			order, err := tx.Order(w.account, id)
			if errors.Is(err, chancery.ErrNotFound) {
				continue
			}
			if err != nil {
				return now, err
			}
			now.Orders[id] = order
		}
		if now.Plans, err = tx.Plans(w.account); err != nil {
			return now, err
		}
		if now.Ledger, err = tx.Ledger(w.account); err != nil {
			return now, err
		}
		now.Quota, err = tx.Quota(w.account, product, w.now)
		return now, err
	})
}

func (w *world) found() map[chancery.OrderID]chancery.Order {
	found := maps.Clone(w.orders)
	maps.DeleteFunc(found, func(_ chancery.OrderID, o chancery.Order) bool { return o.State == chancery.Deleted })
	return found
}

func (w *world) sortedLedger() []chancery.LedgerLine {
	return slices.SortedFunc(slices.Values(w.ledger), func(a, b chancery.LedgerLine) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.OrderID, b.OrderID), cmp.Compare(a.Kind, b.Kind))
	})
}

func (w *world) quota() (sum chancery.Quota) {
	for _, p := range w.plans {
		sum.Used += p.Used
		if p.Expired(w.now) {
			sum.Total += p.Used
		} else {
			sum.Total += p.Total
		}
	}
	for _, order := range w.orders {
		if !order.IssuedAt.IsZero() { // also when it was revoked since
			sum.Issued++
		}
	}
	return sum
}
