package storetest

import (
	"context"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"chancery"
)

var orders = []promise{
	{"an order comes back as it was added", anOrderComesBackAsItWasAdded},
	{"an order id and an instance id are taken once", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		sameID, sameInstance := draft(order.AccountID), draft(order.AccountID)
		sameID.ID, sameInstance.InstanceID = order.ID, order.InstanceID
		for _, other := range []chancery.Order{sameID, sameInstance} {
			other.PlanID = order.PlanID
			refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddOrder(other) })
		}
		same(t, "the order", orderOf(t, s, order), order)
	}},
	{"an order that is unknown or deleted is not found", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s, chancery.Withdrawn, chancery.Removed)
		for _, id := range []chancery.OrderID{order.ID, 404} {
			missing(t, s, func(tx chancery.Tx) (chancery.Order, error) { return tx.Order(order.AccountID, id) })
		}
	}},
	{"an update writes what can change and nothing else", anUpdateWritesWhatCanChange},
	{"an update of an order that changed since is refused", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		for _, version := range []int64{0, 2, -1} {
			stale := order
			stale.Version, stale.Reason = version, "stale"
			refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.UpdateOrder(stale) })
		}
		same(t, "the order", orderOf(t, s, order), order)
	}},
	{"of many updates of one version one is made", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		for version := int64(1); version <= 5; version++ {
			errs := atOnce(16, func(i int) error {
				mine := order
				mine.Version, mine.Reason = version, fmt.Sprint(i)
				return s.Write(context.Background(), func(tx chancery.Tx) error { return tx.UpdateOrder(mine) })
			})
			if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
				t.Fatalf("%d updates of version %d were made", n, version)
			}
			kept := orderOf(t, s, order)
			if kept.Version != version+1 || errs[indexOf(kept.Reason)] != nil {
				t.Fatalf("version %d is by writer %s, who was refused", kept.Version, kept.Reason)
			}
		}
	}},
	{"what must be published comes back as it was added, in the order of the names", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		want := validationsOf(order)
		read := func(tx chancery.Tx) ([]chancery.Validation, error) { return tx.Validations(order.AccountID, order.ID) }
		same(t, "the validations", answer(t, s, read), want)
		for _, day := range []int{1, 2} { // the first sight counts
			write(t, s, func(tx chancery.Tx) error { return tx.MarkProved(order.AccountID, order.ID, want[1].Name, at(day)) })
		}
		want[1].ProvedAt = at(1)
		same(t, "the validations", answer(t, s, read), want)
		same(t, "those of an order that does not exist", answer(t, s, func(tx chancery.Tx) ([]chancery.Validation, error) {
			return tx.Validations(order.AccountID, 404)
		}), []chancery.Validation{})
	}},
	{"orders under review are those of all accounts that are proved and wait for it, oldest first", ordersUnderReview},
	{"an order is found by its resource id, and by the operator without its account", func(t *testing.T, s chancery.Store) {
		order, gone := openOrder(t, s), openOrder(t, s, chancery.Withdrawn, chancery.Removed)
		find := func(o chancery.Order) func(chancery.Tx) (chancery.OrderID, error) {
			return func(tx chancery.Tx) (chancery.OrderID, error) { return tx.OrderOfInstance(o.AccountID, o.InstanceID) }
		}
		owner := func(o chancery.Order) func(chancery.Tx) (chancery.AccountID, error) {
			return func(tx chancery.Tx) (chancery.AccountID, error) { return tx.AccountOfOrder(o.ID) }
		}
		same(t, "the order", answer(t, s, find(order)), order.ID)
		same(t, "its account", answer(t, s, owner(order)), order.AccountID)
		missing(t, s, find(gone))
		missing(t, s, owner(gone))
		missing(t, s, owner(chancery.Order{ID: 404}))
	}},
	{"looks that come to the same are counted on one line", looksThatComeToTheSame},
	{"a look at the proof of an order that does not exist is not found", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error {
			return tx.AddEvidence(account, 404, []chancery.Evidence{{At: start, Finding: chancery.Seen}})
		})
	}},
	{"evidence is as the looks were, in any order of findings and places", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 1_000})
		rapid.Check(t, func(rt *rapid.T) { evidenceIsAsTheLooksWere(rt, s, live(rt, s, account)) })
	}},
	{"a key comes back as it was added", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		missing(t, s, orderKey(order))
		write(t, s, func(tx chancery.Tx) error { return tx.AddOrderKey(keyOf(order)) })
		same(t, "the key", answer(t, s, orderKey(order)), keyOf(order))
	}},
	{"an order has one key, also when many bring one at once", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		errs := atOnce(16, func(i int) error {
			key := keyOf(order)
			key.CSR = []byte{byte(i)}
			return s.Write(context.Background(), func(tx chancery.Tx) error { return tx.AddOrderKey(key) })
		})
		if n := succeeded(t, errs, chancery.ErrConflict); n != 1 {
			t.Fatalf("%d keys were added", n)
		}
		if first := answer(t, s, orderKey(order)); errs[first.CSR[0]] != nil {
			t.Error("the key that is kept was refused")
		}
	}},
	{"a key is deleted, and deleting none is no error", func(t *testing.T, s chancery.Store) {
		order := openOrder(t, s)
		write(t, s, func(tx chancery.Tx) error { return tx.AddOrderKey(keyOf(order)) })
		for range 2 {
			write(t, s, func(tx chancery.Tx) error { return tx.DeleteOrderKey(order.AccountID, order.ID) })
			missing(t, s, orderKey(order))
		}
	}},
}

// openOrder gives the order of an account that has nothing else.
func openOrder(t rapid.TB, s chancery.Store, events ...chancery.Event) chancery.Order {
	t.Helper()
	account := newAccount(t, s)
	grant(t, s, chancery.Plan{AccountID: account, Total: 1})
	return live(t, s, account, events...)
}

func orderOf(t rapid.TB, s chancery.Store, o chancery.Order) chancery.Order {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) (chancery.Order, error) { return tx.Order(o.AccountID, o.ID) })
}

func orderKey(o chancery.Order) func(chancery.Tx) (chancery.OrderKey, error) {
	return func(tx chancery.Tx) (chancery.OrderKey, error) { return tx.OrderKey(o.AccountID, o.ID) }
}

func indexOf(text string) (i int) {
	_, _ = fmt.Sscan(text, &i)
	return i
}

func anOrderComesBackAsItWasAdded(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	grant(t, s, chancery.Plan{AccountID: account, Total: 2})
	plain, full := draft(account), draft(account)
	plain.Tags, plain.Applicant = nil, chancery.Applicant{}
	full.ID, full.Names, full.Method = 1<<53-1, chancery.Names{"*.xn--bcher-kva.example"}, chancery.FILE
	full.Company, full.ResourceGroup, full.Review, full.Renews = "Bücher GmbH", "rg-1", chancery.ReviewPassed, 4
	full.CSR, full.Tags = []byte{0x30, 0, 255}, []chancery.Tag{{Key: "ü'\"\\", Value: "<&>"}, {Key: "b"}}
	full.Applicant = chancery.Applicant{Username: "阿达'", Phone: "+44 20", Email: `"a b"@example.test`}
	full.State, full.Reason = chancery.Issued, "none"
	full.ProvedAt, full.IssuedAt, full.CertificateID, full.Version = at(1), at(2), 1<<31-1, 7
	for _, order := range []chancery.Order{plain, full} {
		write(t, s, func(tx chancery.Tx) (err error) {
			order, err = open(tx, order, start)
			return err
		})
		same(t, "the order", orderOf(t, s, order), order)
	}
}

func anUpdateWritesWhatCanChange(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	changed := order
	changed.State, changed.Reason = chancery.Issued, "why"
	changed.ProvedAt, changed.IssuedAt, changed.CertificateID, changed.ProveBy = at(1), at(2), 5, at(8)
	changed.Review, changed.ResourceGroup, changed.Tags = chancery.ReviewPassed, "rg-2", []chancery.Tag{{Key: "moved"}}
	// The rest of an order was settled when it was opened.
	forged := changed
	forged.InstanceID, forged.AccessKeyID, forged.ProductCode, forged.PlanID = "cas-x", "x", "x", 1
	forged.Names, forged.Method, forged.Applicant = chancery.Names{"evil.example.test"}, chancery.FILE, chancery.Applicant{}
	forged.CSR, forged.CreatedAt, forged.Company, forged.Renews = []byte("x"), at(9), "Evil", 5
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateOrder(forged) })
	changed.Version = order.Version + 1
	same(t, "the order", orderOf(t, s, order), changed)
}

func ordersUnderReview(t *testing.T, s chancery.Store) {
	var want []chancery.Order
	for _, c := range []struct {
		minute int
		review chancery.Review
		events []chancery.Event
	}{
		{3, chancery.ReviewPending, []chancery.Event{chancery.Proved}},
		{2, chancery.ReviewPending, []chancery.Event{chancery.Proved}},
		{1, chancery.ReviewPending, nil}, // not proved
		{1, chancery.ReviewPending, []chancery.Event{chancery.Proved, chancery.Rejected}},
		{1, chancery.ReviewPassed, []chancery.Event{chancery.Proved}},
		{1, chancery.NoReview, []chancery.Event{chancery.Proved}},
	} {
		account := newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 1})
		order := draft(account)
		order.CreatedAt, order.Review = at(c.minute), c.review
		order = liveAs(t, s, order, c.events...)
		if order.Review == chancery.ReviewPending && order.State == chancery.Process {
			want = append([]chancery.Order{order}, want...)
		}
	}
	same(t, "the orders under review", answer(t, s, chancery.Tx.OrdersUnderReview), want)
}

func looksThatComeToTheSame(t *testing.T, s chancery.Store) {
	order := openOrder(t, s)
	look := func(minute int, where string, finding chancery.Finding, detail string) chancery.Evidence {
		e := lookAt(order, finding, at(minute))
		e.Where, e.Detail = where, detail
		return e
	}
	line := func(e chancery.Evidence, count int64) chancery.Evidence {
		e.Count = count
		return e
	}
	looks := []chancery.Evidence{
		look(1, "A", chancery.NoName, ""),
		look(1, "B", chancery.NoName, ""),
		look(2, "A", chancery.NoName, ""), // as the last one at A, though B came between
		look(2, "B", chancery.WrongValue, "x"),
		look(3, "A", chancery.NoRecord, ""),
		look(3, "B", chancery.WrongValue, "y"), // another detail
		look(4, "A", chancery.NoName, ""),      // as before, but not as the last one
	}
	write(t, s, func(tx chancery.Tx) error { return tx.AddEvidence(order.AccountID, order.ID, looks[:4]) })
	write(t, s, func(tx chancery.Tx) error { return tx.AddEvidence(order.AccountID, order.ID, looks[4:]) })
	same(t, "the evidence", evidenceOf(t, s, order), []chancery.Evidence{
		line(looks[2], 2), line(looks[1], 1), line(looks[3], 1), line(looks[4], 1), line(looks[5], 1), line(looks[6], 1),
	})
}

func evidenceOf(t rapid.TB, s chancery.Store, o chancery.Order) []chancery.Evidence {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) ([]chancery.Evidence, error) { return tx.Evidence(o.AccountID, o.ID) })
}

func evidenceIsAsTheLooksWere(t *rapid.T, s chancery.Store, order chancery.Order) {
	var lines []chancery.Evidence
	last := map[string]int{} // the line that counts, by place
	minute := 0
	for range rapid.IntRange(0, 6).Draw(t, "rounds") {
		minute++
		var round []chancery.Evidence
		for range rapid.IntRange(0, 4).Draw(t, "looks") {
			look := lookAt(order, rapid.SampledFrom([]chancery.Finding{chancery.NoName, chancery.WrongValue, chancery.Seen}).Draw(t, "finding"), at(minute))
			look.Where = rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "where")
			look.Detail = rapid.SampledFrom([]string{"", "x"}).Draw(t, "detail")
			round = append(round, look)
			if i, known := last[look.Where]; known && lines[i].Finding == look.Finding && lines[i].Detail == look.Detail {
				lines[i].At, lines[i].Count = look.At, lines[i].Count+1
				continue
			}
			look.Count = 1
			last[look.Where] = len(lines)
			lines = append(lines, look)
		}
		write(t, s, func(tx chancery.Tx) error { return tx.AddEvidence(order.AccountID, order.ID, round) })
	}
	same(t, "the evidence", evidenceOf(t, s, order), lines)
}
