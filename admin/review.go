package admin

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"chancery"
)

// Review is an order that waits for the operator's decision.
type Review struct {
	OrderID   chancery.OrderID   `json:"orderId"`
	AccountID chancery.AccountID `json:"accountId"`
	Product   string             `json:"product"`
	Names     []string           `json:"names"`
	Applicant string             `json:"applicant"`
	Phone     string             `json:"phone"`
	Email     string             `json:"email"`
	Company   string             `json:"company,omitempty"`
	ProvedAt  time.Time          `json:"provedAt"`
}

// Decision is the operator's word on an order. Reason is for the applicant and
// needed to reject.
type Decision struct {
	OrderID chancery.OrderID `json:"orderId"`
	Reason  string           `json:"reason,omitempty"`
}

// ListReviews lists what waits for a decision, oldest first.
func (a *Admin) ListReviews(ctx context.Context, _ Nothing) (list []Review, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		orders, err := tx.OrdersUnderReview()
		list = make([]Review, len(orders))
		for i, o := range orders {
			list[i] = reviewOf(o)
		}
		return err
	})
	return list, err
}

func reviewOf(o chancery.Order) Review {
	return Review{
		OrderID: o.ID, AccountID: o.AccountID, Product: o.ProductCode, Names: o.Names.Strings(),
		Applicant: o.Applicant.Username, Phone: o.Applicant.Phone, Email: o.Applicant.Email, Company: o.Company, ProvedAt: o.ProvedAt,
	}
}

// Approve lets the issuer sign.
func (a *Admin) Approve(ctx context.Context, in Decision) (Review, error) {
	return a.decide(ctx, in, "ApproveOrder", func(tx chancery.Tx, o *chancery.Order) error {
		o.Review = chancery.ReviewPassed
		if err := tx.UpdateOrder(*o); err != nil {
			return err
		}
		now := a.Clock.Now()
		return tx.HurryStep(o.AccountID, o.ID, chancery.AdvanceOrder, now, now.Add(time.Second))
	})
}

const maxReason = 500

// Reject ends the order; the applicant reads the reason.
func (a *Admin) Reject(ctx context.Context, in Decision) (Review, error) {
	if in.Reason == "" || utf8.RuneCountInString(in.Reason) > maxReason {
		return Review{}, fmt.Errorf("give a reason of up to %d characters: the applicant reads it", maxReason)
	}
	return a.decide(ctx, in, "RejectOrder", func(tx chancery.Tx, o *chancery.Order) error {
		if err := o.Apply(chancery.Rejected); err != nil {
			return err
		}
		o.Reason = in.Reason
		if err := tx.UpdateOrder(*o); err != nil {
			return err
		}
		if err := tx.AddNotice(chancery.NewFailedOrder(*o, a.Clock.Now())); err != nil {
			return err
		}
		if err := tx.DeleteOrderSteps(o.AccountID, o.ID); err != nil {
			return err
		}
		return tx.DeleteOrderKey(o.AccountID, o.ID)
	})
}

func (a *Admin) decide(ctx context.Context, in Decision, action string, apply func(chancery.Tx, *chancery.Order) error) (review Review, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := tx.AccountOfOrder(in.OrderID)
		if errors.Is(err, chancery.ErrNotFound) {
			return fmt.Errorf("there is no order %d", in.OrderID)
		}
		if err != nil {
			return err
		}
		o, err := tx.Order(account, in.OrderID)
		if err != nil {
			return err
		}
		if o.State != chancery.Process || o.Review != chancery.ReviewPending {
			return fmt.Errorf("order %d does not wait for a review; `chancery review list` shows those that do", o.ID)
		}
		review = reviewOf(o)
		if err := apply(tx, &o); err != nil {
			return err
		}
		return a.record(tx, account, action, orderName(o.ID))
	})
	return review, err
}
