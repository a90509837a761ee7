package work_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/dcv"
	"chancery/internal/testenv"
	"chancery/notice"
)

// inbox is a receiver of webhooks that keeps what it was sent.
type inbox struct {
	url string

	mu     sync.Mutex // guards what follows
	answer func(call int, w http.ResponseWriter)
	got    []message
}

type message struct {
	ID     string
	Kind   chancery.NoticeKind
	Fields chancery.NoticeFields
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{answer: func(int, http.ResponseWriter) {}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m message
		body, _ := io.ReadAll(r.Body)
		if err := json.Unmarshal(body, &m); err != nil {
			t.Errorf("%s: %v", body, err)
		}
		in.mu.Lock()
		defer in.mu.Unlock()
		in.got = append(in.got, m)
		in.answer(len(in.got), w)
	}))
	t.Cleanup(server.Close)
	in.url = server.URL
	return in
}

func (in *inbox) answers(answer func(call int, w http.ResponseWriter)) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.answer = answer
}

// take gives what has come since it was last asked.
func (in *inbox) take() []message {
	in.mu.Lock()
	defer in.mu.Unlock()
	got := in.got
	in.got = nil
	return got
}

func courierOf(t *testing.T, env *testenv.Env) *notice.Courier {
	t.Helper()
	dialer, err := dcv.NewDialer([]string{env.Zone.Addr()}, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "--notice-allow")
	if err != nil {
		t.Fatal(err)
	}
	return &notice.Courier{Dialer: dialer, Clock: env.Clock}
}

// runNodes runs workers that deliver, as several nodes do.
func runNodes(t *testing.T, env *testenv.Env, nodes int) {
	t.Helper()
	for range nodes {
		worker := env.NewWorker()
		worker.Courier = courierOf(t, env)
		env.Run(worker)
	}
}

func addTarget(t *testing.T, env *testenv.Env, account chancery.AccountID, in *inbox) chancery.NoticeTarget {
	t.Helper()
	target := chancery.NoticeTarget{
		ID: chancery.NewID(), AccountID: account, Kind: chancery.WebhookTarget, Format: chancery.GenericFormat,
		URL: chancery.NewSecret([]byte(in.url)), Secret: chancery.NewWebhookSecret(), CreatedAt: env.Clock.Now(),
	}
	if err := target.Check(); err != nil {
		t.Fatal(err)
	}
	write(t, env, func(tx chancery.Tx) error { return tx.AddNoticeTarget(target) })
	return target
}

func write(t *testing.T, env *testenv.Env, fn func(chancery.Tx) error) {
	t.Helper()
	if err := env.Store.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func tell(t *testing.T, env *testenv.Env, account chancery.AccountID) {
	t.Helper()
	write(t, env, func(tx chancery.Tx) error {
		return tx.AddNotice(chancery.Notice{AccountID: account, Kind: chancery.TestNotice, At: env.Clock.Now()})
	})
	env.Clock.Advance(time.Millisecond)
	env.Settle()
}

func deliveries(env *testenv.Env, state chancery.DeliveryState) int64 {
	return env.Count("SELECT COUNT(*) FROM notice_deliveries WHERE state = $1", string(state))
}

// TestAFailedOrderIsTold: by the transaction that fails it, and delivered although the
// receiver fails at first.
func TestAFailedOrderIsTold(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding { return chancery.NoRecord })))
	in := newInbox(t)
	addTarget(t, env, env.Account, in)
	in.answers(func(call int, w http.ResponseWriter) {
		switch call {
		case 1:
			w.WriteHeader(500)
		case 2: // it takes the notice, and the answer is lost
			conn, _, err := w.(http.Hijacker).Hijack()
			if err == nil {
				_ = conn.Close()
			}
		}
	})
	runNodes(t, env, 2)
	env.Grant(single, 10)
	order := env.Apply(host)
	env.Clock.Advance(env.Order(order).ProveBy.Sub(env.Clock.Now()))
	env.Settle()
	env.Clock.Advance(10 * time.Minute) // after a leap of the clock the first look fails nothing
	env.Await(order, chancery.VerifyFail)
	for range 4 {
		env.Settle()
		env.Clock.Advance(time.Minute)
	}
	env.Settle()
	got := in.take()
	if len(got) != 3 || got[0].ID != got[1].ID || got[1].ID != got[2].ID {
		t.Fatalf("the receiver got %+v", got)
	}
	if o := got[2].Fields.Order; got[2].Kind != chancery.OrderFailed || o == nil || int64(o.ID) != order || !strings.Contains(o.Reason, "no valid proof") {
		t.Errorf("it is told %+v", got[2])
	}
	if n := deliveries(env, chancery.DeliverySent); n != 1 {
		t.Errorf("%d deliveries were sent", n)
	}
}

// TestATargetThatFails is left alone as long as it asks, and with growing pauses; after a
// day notices are given up, and nothing is parked.
func TestATargetThatFails(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	in := newInbox(t)
	target := addTarget(t, env, env.Account, in)
	in.answers(func(_ int, w http.ResponseWriter) {
		w.Header().Set("Retry-After", "120")
		w.WriteHeader(429)
	})
	runNodes(t, env, 1)
	tell(t, env, env.Account)
	tell(t, env, env.Account)
	if got := in.take(); len(got) != 1 {
		t.Fatalf("it was asked %d times before it wanted to be", len(got))
	}
	env.Clock.Advance(119 * time.Second)
	env.Settle()
	if got := in.take(); len(got) != 0 {
		t.Errorf("it was asked %d times before it wanted to be", len(got))
	}
	in.answers(func(_ int, w http.ResponseWriter) { w.WriteHeader(503) })
	calls := 0
	for range 26 * 6 {
		env.Clock.Advance(10 * time.Minute)
		env.Settle()
		calls += len(in.take())
	}
	if calls < 24 || calls > 60 {
		t.Errorf("it was asked %d times in a day", calls)
	}
	if given, steps := deliveries(env, chancery.DeliveryGivenUp), env.Count("SELECT COUNT(*) FROM steps WHERE kind = 'deliver_notice'"); given != 2 || steps != 0 {
		t.Errorf("%d were given up, and %d steps are left", given, steps)
	}
	in.answers(func(int, http.ResponseWriter) {})
	tell(t, env, env.Account)
	env.Clock.Advance(2 * time.Hour)
	env.Settle()
	if got := in.take(); len(got) != 1 {
		t.Errorf("it got %+v", got)
	}
	env.Read(func(tx chancery.Tx) error {
		now, err := tx.NoticeTarget(env.Account, target.ID)
		if now.Failures != 0 || now.Error != "status 503" || now.SentAt.IsZero() || !now.NotBefore.IsZero() {
			t.Errorf("the target is %+v", now)
		}
		return err
	})

	in.answers(func(_ int, w http.ResponseWriter) { w.WriteHeader(500) })
	tell(t, env, env.Account)
	write(t, env, func(tx chancery.Tx) error { return tx.DeleteNoticeTarget(env.Account, target.ID) })
	env.Clock.Advance(time.Hour)
	env.Settle()
	if steps := env.Count("SELECT COUNT(*) FROM steps WHERE kind = 'deliver_notice'"); steps != 0 {
		t.Errorf("%d steps are left of a target that is gone", steps)
	}
}

// TestManyNotices: each arrives once, from two nodes, while another account's receiver
// hangs.
func TestManyNotices(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	in, slow := newInbox(t), newInbox(t)
	addTarget(t, env, env.Account, in)
	other := env.NewAccount()
	addTarget(t, env, other.Account, slow)
	slow.answers(func(int, http.ResponseWriter) { time.Sleep(50 * time.Millisecond) })
	const each = 20
	write(t, env, func(tx chancery.Tx) error {
		for range each {
			for _, account := range []chancery.AccountID{env.Account, other.Account} {
				if err := tx.AddNotice(chancery.Notice{AccountID: account, Kind: chancery.TestNotice, At: env.Clock.Now()}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	runNodes(t, env, 2)
	for range 10 * each {
		env.Clock.Advance(2 * time.Second)
		env.Settle()
		if deliveries(env, chancery.DeliveryWaits) == 0 {
			break
		}
	}
	for name, in := range map[string]*inbox{"the quick": in, "the slow": slow} {
		ids := map[string]int{}
		for _, m := range in.take() {
			ids[m.ID]++
		}
		if len(ids) != each {
			t.Errorf("%s receiver got %d notices", name, len(ids))
		}
		for id, n := range ids {
			if n != 1 {
				t.Errorf("%s receiver got %s %d times", name, id, n)
			}
		}
	}
}

// TestExpiring: each time is told once, by whichever node, and the nearest alone after a
// rest; not what is revoked, deleted, replaced, or came with less time left.
func TestExpiring(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	in := newInbox(t)
	addTarget(t, env, env.Account, in)
	other := env.NewAccount()
	day := 24 * time.Hour
	add := func(account chancery.AccountID, name string, left time.Duration, change func(*chancery.Certificate)) chancery.Certificate {
		c := chancery.Certificate{
			ID: chancery.NewCertificateID(), AccountID: account, Name: name, InstanceID: "cas-" + name, PEM: "-", CreatedAt: env.Clock.Now(),
			CertificateFacts: chancery.CertificateFacts{CommonName: name, SANs: name + ",www." + name, NotBefore: env.Clock.Now(), NotAfter: env.Clock.Now().Add(left)},
		}
		if change != nil {
			change(&c)
		}
		write(t, env, func(tx chancery.Tx) error { return tx.AddCertificate(c) })
		return c
	}
	told := func() (all []string) {
		for _, m := range in.take() {
			for _, c := range m.Fields.Expiring.Certificates {
				all = append(all, fmt.Sprintf("%s %d", c.Name, m.Fields.Expiring.Days))
			}
		}
		slices.Sort(all)
		return all
	}
	pass := func(d time.Duration) {
		t.Helper()
		for range int(d / (8 * time.Hour)) {
			env.Clock.Advance(8 * time.Hour)
			env.Settle()
		}
	}
	runNodes(t, env, 2)
	env.Settle() // the first look, at nothing
	add(env.Account, "long", 70*day, nil)
	add(env.Account, "short", 47*day, nil)
	add(other.Account, "strange", 70*day, nil)
	add(env.Account, "revoked", 70*day, func(c *chancery.Certificate) { c.RevokedAt = env.Clock.Now() })
	deleted := add(env.Account, "deleted", 70*day, nil)
	write(t, env, func(tx chancery.Tx) error { return tx.DeleteCertificate(env.Account, deleted.ID, env.Clock.Now()) })
	add(env.Account, "old", 70*day, nil)
	add(env.Account, "new", 300*day, func(c *chancery.Certificate) { c.CommonName, c.SANs = "old", "more.old,www.old,old" })
	steps := []struct {
		days int
		want []string
	}{
		{9, nil}, {2, []string{"long 60"}}, {6, nil}, {1, []string{"short 30"}}, {23, []string{"long 30"}}, // 41 days
		{2, []string{"short 7"}}, {5, nil}, // 48
		{0, nil},
	}
	passed := 0
	var all []string
	for _, step := range steps {
		pass(time.Duration(step.days) * day)
		passed += step.days
		all = append(all, told()...)
	}
	pass(30 * day)
	all = append(all, told()...)
	slices.Sort(all)
	want := []string{"long 1", "long 30", "long 60", "long 7", "short 1", "short 30", "short 7"}
	if !slices.Equal(all, want) {
		t.Errorf("told %v, not %v", all, want)
	}

	add(env.Account, "rest", 70*day, nil)
	pass(day)
	env.Clock.Advance(64 * day) // 5 days are left, and nobody looked at 60, 30 and 7
	env.Settle()
	pass(day)
	if got := told(); !slices.Equal(got, []string{"rest 7"}) {
		t.Errorf("after the rest it is told %v", got)
	}
	if n := env.Count("SELECT COUNT(*) FROM notices WHERE account_id = $1", int64(other.Account)); n == 0 {
		t.Error("without a target nothing is kept")
	}
}

// TestQuotaAndCAs: a plan is told of at 80 % and at its end, a CA once while it fails, to
// those who wait and to the operator.
func TestQuotaAndCAs(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithLooker(lookFunc(func(chancery.Validation) chancery.Finding { return chancery.NoRecord })))
	in, operator := newInbox(t), newInbox(t)
	addTarget(t, env, env.Account, in)
	addTarget(t, env, chancery.OperatorAccount, operator)
	runNodes(t, env, 2)
	plan := env.Grant(single, 5)
	minutes := func(n int) {
		for range n {
			env.Clock.Advance(time.Minute)
			env.Settle()
		}
	}
	var orders []int64
	for i, want := range []int{0, 0, 0, 80, 100} {
		orders = append(orders, env.Apply(fmt.Sprintf("host%d.example.test", i)))
		minutes(3)
		got := in.take()
		if want == 0 && len(got) != 0 || want > 0 && (len(got) != 1 || got[0].Fields.Plan.Percent != want || got[0].Fields.Plan.ID != plan.ID || got[0].Fields.Plan.Left != int64(4-i)) {
			t.Errorf("after %d orders it is told %+v", i+1, got)
		}
	}
	withdraw(t, env, orders[4])
	remove(t, env, orders[4])
	minutes(3)
	env.Apply("again.example.test")
	minutes(3)
	if got := in.take(); len(got) != 0 {
		t.Errorf("a unit that came back and went again is told: %+v", got)
	}

	since := env.Clock.Now()
	for _, order := range orders[:2] {
		write(t, env, func(tx chancery.Tx) error {
			id := chancery.OrderID(order)
			if err := tx.AddACMEOrder(env.Account, id, "letsencrypt"); err != nil {
				return err
			}
			o, err := tx.ACMEOrder(env.Account, id)
			o.FailingSince, o.Problem = since, "the CA cannot be reached"
			if err != nil {
				return err
			}
			return tx.UpdateACMEOrder(o)
		})
	}
	minutes(4)
	if got := append(in.take(), operator.take()...); len(got) != 0 {
		t.Errorf("it is told too soon: %+v", got)
	}
	minutes(30)
	for name, in := range map[string]*inbox{"the account": in, "the operator": operator} {
		got := in.take()
		if len(got) != 1 || got[0].Kind != chancery.CATrouble || got[0].Fields.CA.Orders != 2 || got[0].Fields.CA.Issuer != "letsencrypt" {
			t.Errorf("%s is told %+v", name, got)
		}
	}
	if n := env.Count("SELECT COUNT(*) FROM steps WHERE parked_at > 0"); n != 0 {
		t.Errorf("%d steps are parked", n)
	}
	env.SQL("DELETE FROM acme_orders") // their CA is not there
}
