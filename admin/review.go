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

// ReviewedOrder is all there is to decide about an order.
type ReviewedOrder struct {
	Review
	Waiting   bool            `json:"waiting"` // for a decision
	State     chancery.State  `json:"state"`
	Decision  chancery.Review `json:"decision"`
	Reason    string          `json:"reason,omitempty"` // why it ended, if it did
	CreatedAt time.Time       `json:"createdAt"`
	Account   string          `json:"account"` // its name
	OwnCSR    bool            `json:"ownCsr"`
	Renews    int64           `json:"renews,omitempty"`
	Tags      []chancery.Tag  `json:"tags"`
	Proofs    []Proof         `json:"proofs"`
	// Next is the order after this one that waits, 0 for none; Left how many wait besides.
	Next chancery.OrderID `json:"next,omitempty"`
	Left int              `json:"left"`
}

// Proof is what proved control of a name.
type Proof struct {
	Name     string          `json:"name"`
	Method   chancery.Method `json:"method"`
	Place    string          `json:"place"` // the record's name or the file's path
	Value    string          `json:"value"`
	ProvedAt *time.Time      `json:"provedAt,omitempty"`
	Looks    int             `json:"looks"` // how many there were at it, alike ones in a row once
}

// ShowReview shows an order that waits for a decision, or waited.
func (a *Admin) ShowReview(ctx context.Context, in Decision) (shown ReviewedOrder, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		o, err := reviewed(tx, in.OrderID)
		if err != nil {
			return err
		}
		account, err := tx.Account(o.AccountID)
		if err != nil {
			return err
		}
		shown = ReviewedOrder{
			Review: reviewOf(o), Waiting: waits(o), State: o.State, Decision: o.Review, Reason: o.Reason, CreatedAt: o.CreatedAt,
			Account: account.Name, OwnCSR: len(o.CSR) > 0, Renews: int64(o.Renews), Tags: o.Tags,
		}
		if shown.Proofs, err = proofsOf(tx, o); err != nil {
			return err
		}
		queue, err := tx.OrdersUnderReview()
		for i, other := range queue {
			switch {
			case other.ID == o.ID && i+1 < len(queue):
				shown.Next = queue[i+1].ID
			case other.ID != o.ID:
				shown.Left++
			}
		}
		if shown.Next == 0 && len(queue) > 0 && queue[0].ID != o.ID {
			shown.Next = queue[0].ID
		}
		return err
	})
	return shown, err
}

func proofsOf(tx chancery.Tx, o chancery.Order) ([]Proof, error) {
	validations, err := tx.Validations(o.AccountID, o.ID)
	if err != nil {
		return nil, err
	}
	looks := map[chancery.Name]int{}
	evidence, err := tx.Evidence(o.AccountID, o.ID)
	for _, look := range evidence {
		looks[look.Name]++
	}
	proofs := make([]Proof, len(validations))
	for i, v := range validations {
		proofs[i] = Proof{Name: string(v.Name), Method: v.Method, Value: v.Token, Looks: looks[v.Name], Place: v.Record()}
		if v.Method == chancery.FILE {
			proofs[i].Place = v.Path()
		}
		if !v.ProvedAt.IsZero() {
			proofs[i].ProvedAt = &v.ProvedAt
		}
	}
	return proofs, err
}

func waits(o chancery.Order) bool {
	return o.State == chancery.Process && o.Review == chancery.ReviewPending
}

// reviewed finds an order of a product whose orders are reviewed.
func reviewed(tx chancery.Tx, id chancery.OrderID) (o chancery.Order, err error) {
	account, err := tx.AccountOfOrder(id)
	if errors.Is(err, chancery.ErrNotFound) {
		return o, fmt.Errorf("there is no order %d", id)
	}
	if err != nil {
		return o, err
	}
	return tx.Order(account, id)
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
		o, err := reviewed(tx, in.OrderID)
		if err != nil {
			return err
		}
		if !waits(o) {
			return fmt.Errorf("order %d does not wait for a review; `chancery review list` shows those that do", o.ID)
		}
		review = reviewOf(o)
		if err := apply(tx, &o); err != nil {
			return err
		}
		return a.record(tx, o.AccountID, action, orderName(o.ID))
	})
	return review, err
}
