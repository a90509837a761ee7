package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"chancery"
)

// courierFunc is a scripted chancery.Courier.
type courierFunc func(chancery.Notice, chancery.NoticeTarget) error

func (f courierFunc) Deliver(_ context.Context, n chancery.Notice, to chancery.NoticeTarget) error {
	return f(n, to)
}

// theNotices makes the calls about notices.
func theNotices(t *testing.T, i *instance, caller Caller, account chancery.AccountID, call func(string) string) {
	t.Helper()
	mine, operator := Whose{AccountID: account}, Whose{Operator: true}
	made := must[NoticeTarget](t, caller, call("notice.target.add"), NewNoticeTarget{Whose: mine, Kind: chancery.WebhookTarget, Format: chancery.GenericFormat, URL: "https://hooks.example.test/x?token=1"})
	if made.Place != "https://hooks.example.test/…" || !strings.HasPrefix(made.Secret, "whsec_") || made.AccountID != account {
		t.Errorf("the target is %+v", made)
	}
	mail := must[NoticeTarget](t, caller, "notice.target.add", NewNoticeTarget{Whose: operator, Kind: chancery.MailTarget, Addresses: []string{"ops@example.test"}, Kinds: []chancery.NoticeKind{chancery.CATrouble}})
	if !mail.Operator || mail.Secret != "" {
		t.Errorf("the operator's target is %+v", mail)
	}
	made.Secret = ""
	same(t, "the targets", must[[]NoticeTarget](t, caller, call("notice.target.list"), mine), []NoticeTarget{made})

	i.Courier = nil
	name := NoticeTargetName{mine, made.ID}
	if err := caller.Call(ctx, "notice.target.test", name, &NoticeTest{}); err == nil || !strings.Contains(err.Error(), "start it") {
		t.Errorf("a test without a service: %v", err)
	}
	var outcome error
	i.Courier = courierFunc(func(n chancery.Notice, to chancery.NoticeTarget) error {
		if n.Kind != chancery.TestNotice || n.AccountID != account || string(to.URL.Reveal()) != "https://hooks.example.test/x?token=1" {
			t.Errorf("%+v goes to %+v", n, to)
		}
		return outcome
	})
	if test := must[NoticeTest](t, caller, call("notice.target.test"), name); !test.Delivered || test.Target.SentAt == nil || test.Error != "" {
		t.Errorf("the test came to %+v", test)
	}
	outcome = &chancery.UndeliveredError{Reason: "status 500"}
	if test := must[NoticeTest](t, caller, "notice.target.test", name); test.Delivered || test.Error != "status 500" || test.Target.Error != "status 500" || test.Target.FailedAt == nil {
		t.Errorf("the test that failed came to %+v", test)
	}
	outcome = errors.New("broken")
	if err := caller.Call(ctx, "notice.target.test", name, &NoticeTest{}); err == nil {
		t.Error("a fault of the service is no outcome of a test")
	}

	write(t, i, func(tx chancery.Tx) error {
		return tx.AddNotice(chancery.NewFailedOrder(chancery.Order{ID: 7, AccountID: account, Names: chancery.Names{"www.example.test"}, Reason: "no proof"}, noon))
	})
	list := must[[]Notice](t, caller, call("notice.list"), NoticeQuery{Whose: mine, Limit: 1})
	if len(list) != 1 || list[0].Kind != chancery.OrderFailed || len(list[0].Deliveries) != 1 || list[0].Deliveries[0].State != chancery.DeliveryWaits || !strings.Contains(list[0].Text, "no proof") {
		t.Errorf("the notices are %+v", list)
	}
	for _, wrong := range []NoticeTargetName{{mine, 404}, {operator, made.ID}} {
		if err := caller.Call(ctx, "notice.target.remove", wrong, &Nothing{}); err == nil || !strings.Contains(err.Error(), "there is no target") {
			t.Errorf("removing %+v: %v", wrong, err)
		}
	}
	must[Nothing](t, caller, call("notice.target.remove"), name)
	must[Nothing](t, caller, "notice.target.remove", NoticeTargetName{operator, mail.ID})
	write(t, i, func(tx chancery.Tx) error { // the work on what was to be delivered
		steps, err := tx.ClaimSteps(noon, time.Minute, 10)
		for _, step := range steps {
			if step.Kind == chancery.DeliverNotice {
				err = errors.Join(err, tx.FinishStep(step))
			}
		}
		return err
	})
	same(t, "the targets after that", must[[]NoticeTarget](t, caller, "notice.target.list", mine), []NoticeTarget{})
}

func write(t *testing.T, i *instance, fn func(chancery.Tx) error) {
	t.Helper()
	if err := i.Store.Write(ctx, fn); err != nil {
		t.Fatal(err)
	}
}

func TestTargetsThatCouldNeverWork(t *testing.T) {
	i := newInstance(t)
	must[Account](t, i.Admin, "account.create", NewAccount{Name: "a"})
	hook := func(url string) NewNoticeTarget {
		return NewNoticeTarget{Kind: chancery.WebhookTarget, Format: chancery.GenericFormat, URL: url}
	}
	mail := func(addresses ...string) NewNoticeTarget {
		return NewNoticeTarget{Kind: chancery.MailTarget, Addresses: addresses}
	}
	const secretURL = "ftp://hooks.example.test/token-of-the-chat"
	for want, in := range map[string][]NewNoticeTarget{
		"begins with https":   {hook(secretURL), hook("gopher://x.test/")},
		"a webhook's URL is":  {hook(""), hook("https://"), hook("https://a.test/\r\nX: y"), hook("https:a.test"), hook("file:///etc/passwd"), hook("https://a.test/ b"), hook("https://ä.test/")},
		"no user name":        {hook("https://u:p@a.test/")},
		"a webhook's port":    {hook("https://a.test:22/"), hook("https://a.test:25/"), hook("https://a.test:0/"), hook("https://a.test:0443/"), hook("https://a.test:70000/")},
		"no format":           {{Kind: chancery.WebhookTarget, Format: "teams", URL: "https://a.test/"}},
		"no kind of target":   {{Kind: "fax"}},
		"no kind of notice":   {{Kind: chancery.MailTarget, Addresses: []string{"a@b.test"}, Kinds: []chancery.NoticeKind{"gossip"}}},
		"Slack takes no":      {{Kind: chancery.WebhookTarget, Format: chancery.SlackFormat, URL: "https://a.test/", Secret: "x"}},
		"whsec_":              {{Kind: chancery.WebhookTarget, Format: chancery.GenericFormat, URL: "https://a.test/", Secret: "short"}},
		"one word":            {{Kind: chancery.WebhookTarget, Format: chancery.FeishuFormat, URL: "https://a.test/", Secret: "a b"}},
		"not a mail address":  {mail("a"), mail("a@b.test\r\nRCPT TO:<x@y.test>"), mail("A <a@b.test>"), mail("a@b.test, c@d.test"), mail(`"a b"@c.test`), mail("ä@b.test"), mail("a@b.test>")},
		"1 to 10 addresses":   {mail(), mail(strings.Split(strings.Repeat("a@b.test ", 11), " ")[:11]...)},
		"neither format nor":  {{Kind: chancery.MailTarget, Addresses: []string{"a@b.test"}, URL: "https://a.test/"}},
		"and no mail address": {{Kind: chancery.WebhookTarget, Format: chancery.GenericFormat, URL: "https://a.test/", Addresses: []string{"a@b.test"}}},
	} {
		for _, target := range in {
			err := i.Call(ctx, "notice.target.add", target, &NoticeTarget{})
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; want %q", target, err, want)
			} else if strings.Contains(err.Error(), "token-of-the-chat") {
				t.Errorf("the error repeats the URL: %v", err)
			}
		}
	}
	for range chancery.MaxNoticeTargets {
		must[NoticeTarget](t, i.Admin, "notice.target.add", mail("a@b.test"))
	}
	if err := i.Call(ctx, "notice.target.add", mail("a@b.test"), &NoticeTarget{}); err == nil || !strings.Contains(err.Error(), "the most") {
		t.Errorf("one too many: %v", err)
	}
}
