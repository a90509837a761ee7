package console

import (
	"strings"

	"chancery"
	"chancery/cas"
)

// Demonstration is a zone of the service's own, in which a newcomer can have proofs
// published by a button. A service that others rely on has none.
type Demonstration interface {
	// Zone is the domain below which all names are free to use, as "example.test".
	Zone() string
	// Publish publishes what a validation asks for.
	Publish(chancery.Validation) error
}

// demonstrates tells whether a name is one of the demonstration's.
func (c *Console) demonstrates(name chancery.Name) bool {
	return c.Demonstration != nil && strings.HasSuffix("."+string(name.Base()), "."+c.Demonstration.Zone())
}

// publishProofs publishes what is missing of an order's proofs, and has it looked at.
func publishProofs(p *page) error {
	id, err := p.orderID()
	if err != nil {
		return err
	}
	if p.console.Demonstration == nil {
		return nowhere(p)
	}
	story, err := call[cas.OrderStory](p, "OrderStory", cas.OrderStoryInput{OrderId: id})
	if err != nil {
		return err
	}
	published := 0
	for _, proof := range story.Proofs {
		if story.Order.State != chancery.DomainVerify || !proof.Given() || !p.console.demonstrates(proof.Name) {
			continue
		}
		if err := p.console.Demonstration.Publish(proof); err != nil {
			return err
		}
		published++
	}
	if published == 0 {
		p.warn(p.t("order.nothingPublished"))
		return p.redirect("orders/%d", id)
	}
	if _, err := call[cas.OrderStory](p, "OrderStory", cas.OrderStoryInput{OrderId: id, Wait: true}); err != nil {
		return err
	}
	p.flash("order.published")
	return p.redirect("orders/%d", id)
}
