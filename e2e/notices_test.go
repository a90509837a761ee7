package e2e

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/cas"
	"chancery/internal/testcert"
	"chancery/signature"
)

// reviewedProducts is a catalogue whose product waits for a review, so that an order of
// it can be made to fail.
const reviewedProducts = `[
	{"code": "digicert-free-1-free", "lifetimeDays": 90, "termDays": 365, "keyAlgorithm": "ECC_256"},
	{"code": "reviewed", "lifetimeDays": 90, "keyAlgorithm": "ECC_256", "review": true}
]`

// An order that failed, a plan that is nearly used and a certificate that ends are told
// to a webhook and by mail, once each, although both fail at first and the service ends
// meanwhile. Nothing that is secret is in its log.
func TestNotices(t *testing.T) {
	t.Parallel()
	needOpenSSL(t)
	token, password := rand.Text(), rand.Text()
	hook, box := startReceiver(t, token), startMailbox(t, "chancery", password)
	s := newService(t, "--products", file(t, "products.json", reviewedProducts), "--notice-allow", "127.0.0.1/32",
		"--smtp-url", box.url(), "--smtp-from", "chancery@example.com")
	s.environment = []string{"CHANCERY_SMTP_PASSWORD=" + password}
	s.launch(t)
	t.Cleanup(func() { s.examine(t) })
	s.key = s.readCredentials(t, s.credentials())
	var webhook, mails admin.NoticeTarget
	s.operate(t, &webhook, "notice", "target", "add", "--url-file", file(t, "url", hook.url+"\n"))
	s.operate(t, &mails, "notice", "target", "add", "--mail", "ops@example.com")
	hook.expect(webhook.Secret)

	order := s.nearlyUsePlan(t)
	eventually(t, "the receiver and the mail server have failed", func() bool {
		calls, _ := hook.read(t)
		_, busy := box.read(t)
		return len(calls) > 0 && busy > 0
	})
	s.stop(t) // what was not delivered is with the next start
	s.launch(t)
	s.failOrder(t, order)
	ending := s.endCertificate(t)
	want := []chancery.NoticeKind{chancery.CertificateExpiring, chancery.OrderFailed, chancery.QuotaLow}
	eventually(t, "both have all three notices", func() bool {
		_, taken := hook.read(t)
		letters, _ := box.read(t)
		return len(taken) >= len(want) && len(letters) >= len(want)
	})

	// Looking again tells nothing again.
	s.retry(t, chancery.FindTrouble)
	s.retry(t, chancery.FindExpiring)
	calls, taken := hook.read(t)
	checkTold(t, taken, want, order, ending)
	if len(calls) != len(want)+2 {
		t.Errorf("the receiver was called %d times, of which it failed twice", len(calls))
	}
	letters, _ := box.read(t)
	checkLetters(t, letters, taken)
	s.checkNotices(t, taken, webhook.ID, mails.ID)
	s.keepsSecret(t, secret{"token of the webhook", []byte(token)}, secret{"secret of the webhook", []byte(webhook.Secret)}, secret{"password of the mail server", []byte(password)})
}

// nearlyUsePlan takes 4 of 5 units, has the service look, and gives the last order.
func (s *service) nearlyUsePlan(t *testing.T) (order int64) {
	t.Helper()
	s.operate(t, &admin.Plan{}, "plan", "grant", "--product", "reviewed", "--count", "5")
	for i := range 4 {
		made, err := s.client(t, s.key).CreateCertificateRequest(soon(t), cas.CreateCertificateRequestInput{
			Username: "Tom", Phone: "13900001111", Email: "ops@example.com",
			Domain: fmt.Sprintf("n%d.example.test", i), ValidateType: "DNS", ProductCode: "reviewed",
		})
		if err != nil {
			t.Fatal(err)
		}
		order = made.OrderId
	}
	s.retry(t, chancery.FindTrouble)
	return order
}

// failOrder proves an order, and has the review refuse it.
func (s *service) failOrder(t *testing.T, order int64) {
	t.Helper()
	state := tenant{Client: s.client(t, s.key)}.state(t, order)
	s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	eventually(t, "the order waits for the review", func() bool {
		var waiting []admin.Review
		s.ask(t, "review.list", admin.Nothing{}, &waiting)
		return len(waiting) == 1
	})
	s.ask(t, "review.reject", admin.Decision{OrderID: chancery.OrderID(order), Reason: "the company is not known"}, &admin.Review{})
}

// endCertificate uploads a certificate that will have a day left in two seconds, and one
// that has less than that, waits, and has the service look.
func (s *service) endCertificate(t *testing.T) (certificate int64) {
	t.Helper()
	const days = 90 // that testcert gives
	upload := func(name string, end time.Time) int64 {
		pair := testcert.New(t, end.UTC().AddDate(0, 0, -days), name)
		answer := call{
			action: "UploadUserCertificate", scheme: signature.V3, method: http.MethodPost, json: true, key: s.key,
			parameters: map[string]string{"Name": name, "Cert": pair.Cert, "Key": pair.Key},
		}.do(t, s)
		answer.expect(t, http.StatusOK, "")
		var made cas.UploadUserCertificateOutput
		if err := json.Unmarshal(answer.body, &made); err != nil {
			t.Fatal(err)
		}
		return made.CertId
	}
	upload("late.example.test", time.Now().Add(20*time.Hour))
	almost := time.Now().Add(2 * time.Second)
	certificate = upload("ending.example.test", almost.Add(24*time.Hour))
	time.Sleep(time.Until(almost))
	s.retry(t, chancery.FindExpiring)
	return certificate
}

// retry has a step of the service itself done now, and waits for it.
func (s *service) retry(t *testing.T, kind chancery.StepKind) {
	t.Helper()
	find := func() admin.Step {
		var all admin.StepList
		s.ask(t, "steps.list", admin.StepQuery{Limit: 1000}, &all)
		at := slices.IndexFunc(all.Steps, func(step admin.Step) bool { return step.Kind == kind })
		if at < 0 {
			t.Fatalf("there is no step %s", kind)
		}
		return all.Steps[at]
	}
	before := time.Now()
	s.ask(t, "steps.retry", admin.StepNames{IDs: []int64{find().ID}}, &[]admin.Step{})
	eventually(t, "the step is done: "+string(kind), func() bool {
		// It is put off by more than the lease that it is worked on under.
		step := find()
		return step.Attempts == 0 && step.DueAt.After(before.Add(45*time.Second))
	})
}

// checkTold compares what the receiver took with what happened.
func checkTold(t *testing.T, taken []told, kinds []chancery.NoticeKind, order, certificate int64) {
	t.Helper()
	var got []chancery.NoticeKind
	for _, one := range taken {
		got = append(got, one.Kind)
		switch one.Kind {
		case chancery.OrderFailed:
			if o := one.Fields.Order; o == nil || int64(o.ID) != order || o.Reason != "the company is not known" {
				t.Errorf("the order is told as %+v", o)
			}
		case chancery.QuotaLow:
			if p := one.Fields.Plan; p == nil || p.Used != 4 || p.Total != 5 || p.Percent != 80 || p.Left != 1 {
				t.Errorf("the plan is told as %+v", p)
			}
		case chancery.CertificateExpiring:
			if e := one.Fields.Expiring; e == nil || e.Days != 1 || len(e.Certificates) != 1 || int64(e.Certificates[0].ID) != certificate {
				t.Errorf("the certificate is told as %+v", e)
			}
		}
	}
	if slices.Sort(got); !slices.Equal(got, kinds) {
		t.Errorf("the receiver took %v, want %v, once each", got, kinds)
	}
}

// checkLetters finds in the mail what the receiver was told, and nothing else.
func checkLetters(t *testing.T, letters []letter, taken []told) {
	t.Helper()
	if len(letters) != len(taken) {
		t.Errorf("%d mails, and %d calls of the webhook", len(letters), len(taken))
	}
	for _, one := range taken {
		want := letter{"ops@example.com", string(one.Kind), "Chancery: " + one.Subject, strings.ReplaceAll(one.Text, "\n", "\r\n") + "\r\n"}
		if !slices.Contains(letters, want) {
			t.Errorf("no mail is %+v, but\n%+v", want, letters)
		}
	}
}

// checkNotices compares what `chancery notice list` says with what came.
func (s *service) checkNotices(t *testing.T, taken []told, targets ...int64) {
	t.Helper()
	var all []admin.Notice
	s.operate(t, &all, "notice", "list")
	if len(all) != len(taken) {
		t.Errorf("there are %d notices", len(all))
	}
	for _, n := range all {
		if len(n.Deliveries) != len(targets) {
			t.Errorf("%s has %d deliveries", n.Kind, len(n.Deliveries))
		}
		for _, d := range n.Deliveries {
			if d.State != chancery.DeliverySent || !slices.Contains(targets, d.TargetID) {
				t.Errorf("%s: the delivery is %+v", n.Kind, d)
			}
		}
	}
}

// keepsSecret looks for secrets in the log of every start, and in what the commands show.
func (s *service) keepsSecret(t *testing.T, secrets ...secret) {
	t.Helper()
	list := s.command(t, "notice", "target", "list", "--output", "json")
	shown := list.stdout + list.stderr
	for _, p := range append(s.past, s.process) {
		shown += p.stdout.String() + p.stderr.String()
	}
	if !strings.Contains(shown, "a notice was delivered, or not") {
		t.Error("the log does not tell of deliveries")
	}
	for _, one := range secrets {
		if one.shows([]byte(shown)) {
			t.Errorf("the log or the list of targets shows the %s", one.name)
		}
	}
}
