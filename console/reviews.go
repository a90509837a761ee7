package console

import (
	"net/http"
	"strings"

	"chancery"
	"chancery/admin"
)

type reviewsData struct {
	Reviews []admin.Review
	Paging  paging
}

func listReviews(p *page) error {
	var all []admin.Review
	if err := p.instruct("review.list", admin.Nothing{}, &all); err != nil {
		return err
	}
	shown, strip := pageOf(p, all)
	return p.render("reviews", reviewsData{shown, strip})
}

type reviewData struct {
	admin.ReviewedOrder
	Form                  *form
	Product               string // its name
	MayApprove, MayReject bool
}

func showReview(p *page) error { return p.oneReview(p.form()) }

func (p *page) oneReview(f *form) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	data := reviewData{Form: f, MayApprove: p.mayDo("chancery:review.approve"), MayReject: p.mayDo("chancery:review.reject")}
	if err := p.instruct("review.show", admin.Decision{OrderID: chancery.OrderID(id)}, &data.ReviewedOrder); err != nil {
		return err
	}
	data.Product = data.Review.Product
	if product, err := p.console.Catalogue.Find(data.Product); err == nil {
		data.Product = product.Name
	}
	return p.render("review", data)
}

func approveReview(p *page) error {
	f := p.form()
	if f.Get("checked") != "yes" {
		f.Wrong("checked", p.t("reviews.tickFirst"))
		p.status = http.StatusUnprocessableEntity
		return p.oneReview(f)
	}
	return p.decide(f, "review.approve", "reviews.approved", "")
}

func rejectReview(p *page) error {
	f := p.form()
	reason := strings.TrimSpace(f.Get("reason"))
	if reason == "" {
		f.Wrong("reason", p.t("reviews.reasonFirst"))
		p.status = http.StatusUnprocessableEntity
		return p.oneReview(f)
	}
	return p.decide(f, "review.reject", "reviews.rejected", reason)
}

// decide carries a decision out and leads to the next order that waits.
func (p *page) decide(f *form, call, done, reason string) error {
	id, err := p.number()
	if err != nil {
		return err
	}
	in := admin.Decision{OrderID: chancery.OrderID(id), Reason: reason}
	var review admin.Review
	if err := p.instruct(call, in, &review); err != nil {
		if err := p.refuse(f, err); err != nil {
			return err
		}
		return p.oneReview(f)
	}
	p.flash(done, id)
	var left []admin.Review
	if _, err := partly(p.instruct("review.list", admin.Nothing{}, &left)); err != nil {
		return err
	}
	if len(left) == 0 {
		return p.redirect("operator/reviews")
	}
	return p.redirect("operator/reviews/%d", left[0].OrderID)
}
