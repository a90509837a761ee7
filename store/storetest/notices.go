package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"chancery"
)

var notices = []promise{
	{"a target is read as it was added, and listed without URL and secret", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		target, mail := targetFor(account), chancery.NoticeTarget{
			ID: chancery.NewID(), AccountID: account, Kind: chancery.MailTarget, Addresses: []string{"a@example.test", "b@example.test"},
			Place: "two", Kinds: []chancery.NoticeKind{chancery.OrderFailed}, CreatedAt: at(1),
		}
		write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddNoticeTarget(mail), tx.AddNoticeTarget(target)) })
		got := answer(t, s, func(tx chancery.Tx) (chancery.NoticeTarget, error) { return tx.NoticeTarget(account, target.ID) })
		same(t, "the URL", string(got.URL.Reveal()), string(target.URL.Reveal()))
		same(t, "the secret", string(got.Secret.Reveal()), string(target.Secret.Reveal()))
		target.URL, target.Secret = chancery.Secret{}, chancery.Secret{}
		all := answer(t, s, func(tx chancery.Tx) ([]chancery.NoticeTarget, error) { return tx.NoticeTargets(account) })
		same(t, "the list, oldest first", all, []chancery.NoticeTarget{target, mail})
		fared := target
		fared.SentAt, fared.FailedAt, fared.NotBefore, fared.Error, fared.Failures = at(2), at(3), at(4), "no answer", 5
		write(t, s, func(tx chancery.Tx) error { return tx.MarkNoticeTarget(fared) })
		all = answer(t, s, func(tx chancery.Tx) ([]chancery.NoticeTarget, error) { return tx.NoticeTargets(account) })
		same(t, "how it fares", all[0], fared)
	}},
	{"a notice goes to each target of its account that wants its kind, by a step that commits with it", func(t *testing.T, s chancery.Store) {
		account, other := newAccount(t, s), newAccount(t, s)
		all, some, none, strange, operator := targetFor(account), targetFor(account), targetFor(account), targetFor(other), targetFor(chancery.OperatorAccount)
		some.Kinds, none.Kinds = []chancery.NoticeKind{chancery.QuotaLow, chancery.CATrouble}, []chancery.NoticeKind{chancery.OrderFailed}
		write(t, s, func(tx chancery.Tx) error {
			var err error
			for _, target := range []chancery.NoticeTarget{all, some, none, strange, operator} {
				err = errors.Join(err, tx.AddNoticeTarget(target))
			}
			return err
		})
		n := chancery.Notice{AccountID: account, Kind: chancery.QuotaLow, At: at(1), NoticeFields: chancery.NoticeFields{Plan: &chancery.LowPlan{ID: 7, Product: product, Used: 8, Total: 10, Percent: 80}}}
		refused(t, s, errUndo, func(tx chancery.Tx) error { return errors.Join(tx.AddNotice(n), errUndo) })
		write(t, s, func(tx chancery.Tx) error { return tx.AddNotice(n) })
		got := noticesOf(t, s, account)
		n.ID = got.Notices[0].ID
		same(t, "the notices", got.Notices, []chancery.Notice{n})
		to := map[int64]bool{}
		for _, d := range got.Deliveries {
			to[d.TargetID] = d.State == chancery.DeliveryWaits && d.NoticeID == n.ID && d.Attempts == 0
		}
		same(t, "where it goes", to, map[int64]bool{all.ID: true, some.ID: true})
		for _, step := range claim(t, s, at(1), time.Hour, 10) {
			if step.Kind != chancery.DeliverNotice || step.AccountID != account {
				t.Errorf("a step is %+v", step)
			}
			d := answer(t, s, func(tx chancery.Tx) (chancery.Delivery, error) { return tx.Delivery(account, step.Subject) })
			delete(to, d.TargetID)
		}
		same(t, "the deliveries without a step", to, map[int64]bool{})
		same(t, "what others were told", len(noticesOf(t, s, other).Notices)+len(noticesOf(t, s, chancery.OperatorAccount).Notices), 0)
	}},
	{"a target goes with its deliveries, and old notices are forgotten unless they wait", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		gone, stays := targetFor(account), targetFor(account)
		write(t, s, func(tx chancery.Tx) error {
			return errors.Join(tx.AddNoticeTarget(gone), tx.AddNoticeTarget(stays),
				tx.AddNotice(chancery.Notice{AccountID: account, Kind: chancery.TestNotice, At: at(1)}),
				tx.AddNotice(chancery.Notice{AccountID: account, Kind: chancery.TestNotice, At: at(2)}))
		})
		write(t, s, func(tx chancery.Tx) error { return tx.DeleteNoticeTarget(account, gone.ID) })
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.DeleteNoticeTarget(account, gone.ID) })
		got := noticesOf(t, s, account)
		if len(got.Notices) != 2 || len(got.Deliveries) != 2 || !got.Notices[0].At.Equal(at(2)) {
			t.Fatalf("there is %+v", got)
		}
		older := got.Deliveries[1]
		older.State, older.Attempts, older.At, older.Error = chancery.DeliveryGivenUp, 3, at(3), "no answer"
		write(t, s, func(tx chancery.Tx) error { return tx.UpdateDelivery(older) })
		same(t, "the delivery", noticesOf(t, s, account).Deliveries[1], older)
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetNotices(at(5)) })
		if got := noticesOf(t, s, account); len(got.Notices) != 1 || !got.Notices[0].At.Equal(at(2)) {
			t.Errorf("there is %+v", got)
		}
	}},
	{"certificates are met in the order of their ends, from a mark on", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		var ids []chancery.CertificateID
		for i := range 6 {
			c := uploadOf(account)
			c.Name, c.NotAfter = fmt.Sprintf("c%d", i), at(10+i/2)
			ids = append(ids, c.ID)
			write(t, s, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		}
		met := map[chancery.CertificateID]int{}
		var mark chancery.ExpiryMark
		for range 10 {
			batch := answer(t, s, func(tx chancery.Tx) ([]chancery.Certificate, error) { return tx.ExpiringCertificates(mark, at(12), 2) })
			for _, c := range batch {
				met[c.ID]++
				if c.NotAfter.Before(mark.NotAfter) || c.AccountID != account {
					t.Errorf("%+v comes after %+v", c, mark)
				}
				mark = chancery.ExpiryMark{NotAfter: c.NotAfter, ID: c.ID}
			}
		}
		want := map[chancery.CertificateID]int{}
		for _, id := range ids {
			want[id] = 1
		}
		same(t, "how often each was met", met, want)
		same(t, "no mark", answer(t, s, func(tx chancery.Tx) (chancery.ExpiryMark, error) { return tx.ExpiryMark(7) }), chancery.ExpiryMark{})
		write(t, s, func(tx chancery.Tx) error {
			return errors.Join(tx.SetExpiryMark(7, chancery.ExpiryMark{NotAfter: at(1), ID: 5}), tx.SetExpiryMark(7, mark))
		})
		same(t, "the mark", answer(t, s, func(tx chancery.Tx) (chancery.ExpiryMark, error) { return tx.ExpiryMark(7) }), mark)
	}},
	{"a successor is good for longer, and for all the names", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		c := uploadOf(account)
		c.CommonName, c.SANs = "a.test", "a.test,b.test"
		replaced := func(change func(*chancery.Certificate)) bool {
			t.Helper()
			one := newAccount(t, s)
			mine, other := c, uploadOf(one)
			mine.ID, mine.AccountID, mine.Name = chancery.NewCertificateID(), one, "old"
			other.Name, other.CommonName, other.SANs, other.NotAfter = "new", c.CommonName, "b.test,c.test,a.test", c.NotAfter.Add(time.Hour)
			change(&other)
			write(t, s, func(tx chancery.Tx) error { return errors.Join(tx.AddCertificate(mine), tx.AddCertificate(other)) })
			return answer(t, s, func(tx chancery.Tx) (bool, error) { return tx.HasSuccessor(mine) })
		}
		same(t, "one that is", replaced(func(*chancery.Certificate) {}), true)
		same(t, "one that ends no later", replaced(func(o *chancery.Certificate) { o.NotAfter = c.NotAfter }), false)
		same(t, "one for fewer names", replaced(func(o *chancery.Certificate) { o.SANs = "a.test,c.test" }), false)
		same(t, "one that is revoked", replaced(func(o *chancery.Certificate) { o.RevokedAt = at(1) }), false)
		same(t, "one of another account", replaced(func(o *chancery.Certificate) { o.AccountID = account }), false)
	}},
	{"a plan is low from 80 % on until that is told, and again when it is used up", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		plan := grant(t, s, chancery.Plan{AccountID: account, Total: 5, ExpiresAt: at(600)})
		low := func() int {
			return len(answer(t, s, func(tx chancery.Tx) ([]chancery.Plan, error) { return tx.LowPlans(at(1), 10) }))
		}
		for i, want := range []int{0, 0, 0, 1, 1} {
			live(t, s, account)
			same(t, fmt.Sprintf("low plans after %d orders", i+1), low(), want)
			if want == 1 {
				write(t, s, func(tx chancery.Tx) error { return tx.MarkPlanTold(account, plan.ID, map[int]int{3: 80, 4: 100}[i]) })
				same(t, "low plans once it is told", low(), 0)
			}
		}
		write(t, s, func(tx chancery.Tx) error { return tx.MarkPlanTold(account, plan.ID, 80) })
		same(t, "low plans after an older mark", low(), 0)
	}},
	{"a CA's trouble is told to an account once, until it is over", func(t *testing.T, s chancery.Store) {
		mark := func(issuer string, now time.Time) (first bool) {
			write(t, s, func(tx chancery.Tx) (err error) {
				first, err = tx.MarkTrouble(1, issuer, now)
				return err
			})
			return first
		}
		same(t, "the first", mark("ca", at(1)), true)
		same(t, "the next", mark("ca", at(2)), false)
		same(t, "another CA", mark("other", at(1)), true)
		write(t, s, func(tx chancery.Tx) error { return tx.ForgetTroubles(at(2)) })
		same(t, "what was seen since", mark("ca", at(3)), false)
		same(t, "what was not", mark("other", at(3)), true)
	}},
	{"notices of a kind are listed from a time on", func(t *testing.T, s chancery.Store) {
		account, other := newAccount(t, s), newAccount(t, s)
		for minute, kind := range []chancery.NoticeKind{chancery.OrderFailed, chancery.QuotaLow, chancery.OrderFailed, chancery.OrderFailed} {
			for _, who := range []chancery.AccountID{account, other} {
				write(t, s, func(tx chancery.Tx) error {
					return tx.AddNotice(chancery.Notice{AccountID: who, Kind: kind, At: at(minute)})
				})
			}
		}
		times := func(since, most int) (list []time.Time) {
			for _, n := range answer(t, s, func(tx chancery.Tx) ([]chancery.Notice, error) {
				return tx.NoticesSince(account, chancery.OrderFailed, at(since), most)
			}) {
				list = append(list, n.At)
			}
			return list
		}
		same(t, "all", times(0, 10), []time.Time{at(0), at(2), at(3)})
		same(t, "since", times(2, 10), []time.Time{at(2), at(3)})
		same(t, "at most", times(0, 1), []time.Time{at(0)})
	}},
	{"a CA is in trouble that fails for long while open orders wait for it", func(t *testing.T, s chancery.Store) {
		account, other := newAccount(t, s), newAccount(t, s)
		grant(t, s, chancery.Plan{AccountID: account, Total: 10, ExpiresAt: at(600)})
		grant(t, s, chancery.Plan{AccountID: other, Total: 10, ExpiresAt: at(600)})
		fail := func(order chancery.Order, since time.Time, problem string) {
			write(t, s, func(tx chancery.Tx) error {
				if err := tx.AddACMEOrder(order.AccountID, order.ID, "ca"); err != nil {
					return err
				}
				o, err := tx.ACMEOrder(order.AccountID, order.ID)
				o.FailingSince, o.Problem = since, problem
				return errors.Join(err, tx.UpdateACMEOrder(o))
			})
		}
		fail(live(t, s, account), at(2), "first")
		fail(live(t, s, account), at(3), "second")
		fail(live(t, s, account), at(9), "too new")
		fail(live(t, s, account), time.Time{}, "well")
		fail(live(t, s, account, chancery.TimedOut), at(1), "ended")
		fail(live(t, s, other), at(4), "other")
		same(t, "those in trouble", answer(t, s, func(tx chancery.Tx) (map[chancery.AccountID][]chancery.TroubledCA, error) {
			return tx.TroubledCAs(at(5))
		}),
			map[chancery.AccountID][]chancery.TroubledCA{
				account: {{Issuer: "ca", Since: at(2), Orders: 2, Problem: "second"}},
				other:   {{Issuer: "ca", Since: at(4), Orders: 1, Problem: "other"}},
			})
		of := func(who chancery.AccountID, before time.Time) []chancery.TroubledCA {
			return answer(t, s, func(tx chancery.Tx) ([]chancery.TroubledCA, error) { return tx.TroubledCAsOf(who, before) })
		}
		same(t, "those of one account", of(account, at(5)), []chancery.TroubledCA{{Issuer: "ca", Since: at(2), Orders: 2, Problem: "second"}})
		same(t, "those of it before", of(account, at(1)), nil)
	}},
}

// targetFor is a webhook with a URL and a secret.
func targetFor(account chancery.AccountID) chancery.NoticeTarget {
	return chancery.NoticeTarget{
		ID: chancery.NewID(), AccountID: account, Kind: chancery.WebhookTarget, Format: chancery.GenericFormat,
		URL: chancery.NewSecret([]byte("https://hooks.example.test/x?token=1")), Place: "https://hooks.example.test/…",
		Secret: chancery.NewWebhookSecret(), CreatedAt: start,
	}
}

type told struct {
	Notices    []chancery.Notice
	Deliveries []chancery.Delivery
}

func noticesOf(t rapid.TB, s chancery.Store, account chancery.AccountID) told {
	t.Helper()
	return answer(t, s, func(tx chancery.Tx) (got told, err error) {
		got.Notices, got.Deliveries, err = tx.Notices(account, 10)
		return got, err
	})
}
