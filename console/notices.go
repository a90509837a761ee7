package console

import (
	"net/http"
	"slices"
	"strings"

	"chancery"
	"chancery/admin"
)

// noticesOf are the notices of an account, or the operator's own, which are made and
// shown alike.
type noticesOf struct {
	p        *page
	operator bool
}

func accountNotices(p *page) error       { return noticesOf{p, false}.show(noticesData{Form: p.form()}) }
func addAccountTarget(p *page) error     { return noticesOf{p, false}.add() }
func testAccountTarget(p *page) error    { return noticesOf{p, false}.test() }
func removeAccountTarget(p *page) error  { return noticesOf{p, false}.remove() }
func operatorNotices(p *page) error      { return noticesOf{p, true}.show(noticesData{Form: p.form()}) }
func addOperatorTarget(p *page) error    { return noticesOf{p, true}.add() }
func testOperatorTarget(p *page) error   { return noticesOf{p, true}.test() }
func removeOperatorTarget(p *page) error { return noticesOf{p, true}.remove() }

type noticesData struct {
	Form     *form
	Operator bool
	At       string // the path of the page
	Targets  []admin.NoticeTarget
	Denied   bool // the targets are
	Notices  []shownNotice
	Kinds    []chancery.NoticeKind
	Formats  []chancery.WebhookFormat
	Secret   string // of a target that was just added, this once

	MayAdd, MayTest, MayRemove bool
}

// shownNotice is a notice with where it went, in words.
type shownNotice struct {
	admin.Notice
	Went []wentTo
}

type wentTo struct {
	Place string
	admin.NoticeDelivery
}

// Chosen tells whether a form, perhaps one that comes back, has a kind ticked.
func (d noticesData) Chosen(kind chancery.NoticeKind) bool {
	return d.Form.Get("kind-"+string(kind)) != ""
}

func (n noticesOf) call(call string, in, out any) error {
	if n.operator {
		return n.p.instruct(call, in, out)
	}
	return n.p.administer(call, in, out)
}

func (n noticesOf) may(call string) bool {
	action := admin.Action(call)
	if !n.operator {
		action, _ = admin.AdministrationAction(call)
	}
	return n.p.mayDo(action)
}

func (n noticesOf) whose() admin.Whose { return admin.Whose{Operator: n.operator} }

func (n noticesOf) path() string {
	if n.operator {
		return "operator/notices"
	}
	return "notices"
}

const shownNotices = 50

func (n noticesOf) show(data noticesData) (err error) {
	data.Operator, data.At, data.Kinds, data.Formats = n.operator, Root+n.path(), chancery.NoticeKinds, chancery.WebhookFormats
	data.MayAdd, data.MayTest, data.MayRemove = n.may("notice.target.add"), n.may("notice.target.test"), n.may("notice.target.remove")
	var notices []admin.Notice
	if err := n.call("notice.list", admin.NoticeQuery{Whose: n.whose(), Limit: shownNotices}, &notices); err != nil {
		return err
	}
	data.Denied, err = partly(n.call("notice.target.list", n.whose(), &data.Targets))
	if err != nil {
		return err
	}
	for _, notice := range notices {
		shown := shownNotice{Notice: notice}
		for _, delivery := range notice.Deliveries {
			place := n.p.t("notices.removedTarget")
			if i := slices.IndexFunc(data.Targets, func(t admin.NoticeTarget) bool { return t.ID == delivery.TargetID }); i >= 0 {
				place = data.Targets[i].Place
			}
			shown.Went = append(shown.Went, wentTo{place, delivery})
		}
		data.Notices = append(data.Notices, shown)
	}
	return n.p.render("notices", data)
}

func (n noticesOf) add() error {
	f := n.p.form()
	in := admin.NewNoticeTarget{Whose: n.whose(), Kind: chancery.WebhookTarget}
	if f.Get("target") == string(chancery.MailTarget) {
		in.Kind = chancery.MailTarget
		in.Addresses = strings.FieldsFunc(f.Get("addresses"), func(r rune) bool { return strings.ContainsRune(", ;\r\n\t", r) })
		if len(in.Addresses) == 0 {
			f.Wrong("addresses", n.p.t("notices.addressFirst"))
		}
	} else {
		in.Format, in.URL, in.Secret = chancery.WebhookFormat(f.Get("format")), strings.TrimSpace(f.Get("url")), strings.TrimSpace(f.Get("secret"))
		if in.URL == "" {
			f.Wrong("url", n.p.t("notices.urlFirst"))
		}
	}
	for _, kind := range chancery.NoticeKinds {
		if f.Get("kind-"+string(kind)) != "" {
			in.Kinds = append(in.Kinds, kind)
		}
	}
	if !f.OK() {
		n.p.status = http.StatusUnprocessableEntity
		return n.show(noticesData{Form: f})
	}
	var made admin.NoticeTarget
	if err := n.call("notice.target.add", in, &made); err != nil {
		if err := n.p.refuse(f, err); err != nil {
			return err
		}
		return n.show(noticesData{Form: f})
	}
	if made.Secret != "" {
		return n.show(noticesData{Form: emptyForm(), Secret: made.Secret})
	}
	n.p.flash("notices.added", made.Place)
	return n.p.redirect("%s", n.path())
}

// emptyForm is one in which nothing stands.
func emptyForm() *form {
	return &form{values: func(string) string { return "" }, errors: map[string]string{}}
}

func (n noticesOf) test() error {
	id, err := n.p.number()
	if err != nil {
		return err
	}
	var test admin.NoticeTest
	err = n.call("notice.target.test", admin.NoticeTargetName{Whose: n.whose(), ID: id}, &test)
	if err == nil && !test.Delivered {
		n.p.warn(n.p.t("notices.testFailed", test.Target.Place, test.Error))
		return n.p.redirect("%s", n.path())
	}
	return n.p.done(err, "notices.testGood", test.Target.Place, n.path())
}

func (n noticesOf) remove() error {
	id, err := n.p.number()
	if err != nil {
		return err
	}
	return n.p.done(n.call("notice.target.remove", admin.NoticeTargetName{Whose: n.whose(), ID: id}, &admin.Nothing{}), "notices.removed", "", n.path())
}
