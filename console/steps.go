package console

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"chancery"
	"chancery/admin"
)

type stepsData struct {
	Form     *form
	Which    string // "due", "failing" or "parked"
	Steps    []admin.Step
	More     bool
	Now      time.Time
	MayRetry bool
}

const (
	shownSteps  = 100
	searchSteps = 1000 // how many steps, those due first, are searched for failing ones
)

func listSteps(p *page) error {
	f := p.form()
	in := admin.StepQuery{Limit: shownSteps}
	data := stepsData{Form: f, Which: "due", Now: p.console.Clock.Now(), MayRetry: p.mayDo("chancery:steps.retry")}
	switch which := f.Get("which"); which {
	case "parked":
		in.Parked, data.Which = true, which
	case "failing":
		in.Limit, data.Which = searchSteps, which
	}
	if text := strings.TrimSpace(f.Get("order")); text != "" {
		order, err := strconv.ParseInt(text, 10, 64)
		if err != nil || order <= 0 {
			f.Wrong("order", p.t("steps.wrongOrder"))
		}
		in.OrderID = chancery.OrderID(max(order, 0))
	}
	var list admin.StepList
	if f.OK() {
		if err := p.instruct("steps.list", in, &list); err != nil {
			return err
		}
	}
	if data.Which == "failing" {
		list.Steps = slices.DeleteFunc(list.Steps, func(s admin.Step) bool { return s.LastError == "" || s.ParkedAt != nil })
	}
	data.More = list.More || len(list.Steps) > shownSteps
	data.Steps = list.Steps[:min(len(list.Steps), shownSteps)]
	return p.render("steps", data)
}

func retrySteps(p *page) error {
	var in admin.StepNames
	if p.r.PostFormValue("parked") == "all" {
		in.Parked = true
	} else if id, err := strconv.ParseInt(p.r.PostFormValue("step"), 10, 64); err == nil {
		in.IDs = []int64{id}
	}
	var retried []admin.Step
	if err := p.instruct("steps.retry", in, &retried); err == nil {
		p.flash("steps.retried", len(retried))
	} else {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		p.status = 0
		p.warn(f.Error)
	}
	which := "due"
	if p.r.PostFormValue("which") == "parked" || p.r.PostFormValue("which") == "failing" {
		which = p.r.PostFormValue("which")
	}
	return p.redirect("operator/steps?which=%s", which)
}
