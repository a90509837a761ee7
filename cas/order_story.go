package cas

import (
	"cmp"
	"context"
	"errors"
	"time"

	"chancery"
)

// OrderStoryInput is what OrderStory takes.
type OrderStoryInput struct {
	// The order.
	OrderId int64 `api:"required"`
	// Wait for the look that this causes as long as one takes, not for a moment.
	Wait bool
}

// Resource names what the call is about, for the log.
func (in *OrderStoryInput) Resource() string { return orderResource(in.OrderId) }

// OrderStory is an order as a person wants to see it: all that DescribeCertificateState
// tells but certificate and private key.
type OrderStory struct {
	Order   chancery.Order
	Product chancery.Product
	Proofs  []chancery.Validation
	Looks   []chancery.Evidence // oldest first
	// Told is false while the issuer has not said what to publish.
	Told bool
	// Next is when the next look, or the issuer's next step, is due; zero: none is.
	Next time.Time
	// MakingKey: the service still makes the order's key.
	MakingKey bool
	// KeyMadeAt is when the order got the key that the service made; zero while it has
	// none, and once its certificate has it.
	KeyMadeAt time.Time
	// EndedAt is when the order failed or was withdrawn; zero where nothing tells any more.
	EndedAt time.Time
	// Delay is why background work waits, and Parked that it does so until the operator
	// says otherwise.
	Delay  string
	Parked bool
	// Issuer is the CA that has the order, unless it is the embedded one.
	Issuer string
	// Certificate is the order's, without PEM and keys; its id is 0 when there is none.
	Certificate chancery.Certificate
	// Looked: this call has caused a look, and it has ended.
	Looked bool
}

// OrderStory tells how an order came to be where it is. As DescribeCertificateState
// does, it hastens the next look at the proof; it never opens a private key.
func (s *Service) OrderStory(ctx context.Context, caller chancery.Caller, in *OrderStoryInput) (*OrderStory, error) {
	story, how, err := s.story(ctx, caller, in.OrderId)
	if err != nil || how == leave {
		return story, err
	}
	wait := lookWait
	if in.Wait {
		wait = longLookWait
	}
	looked, err := s.hasten(ctx, caller, story.Order, how, wait)
	if err == nil && looked {
		if story, _, err = s.story(ctx, caller, in.OrderId); err == nil {
			story.Looked = true
		}
	}
	return story, err
}

// longLookWait is for a person who asked for a look.
const longLookWait = 5 * time.Second

func (s *Service) story(ctx context.Context, caller chancery.Caller, id int64) (*OrderStory, hastening, error) {
	story, how := &OrderStory{}, leave
	err := s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		*story, how = OrderStory{}, leave
		if story.Order, err = order(tx, caller, id); err != nil {
			return err
		}
		o := &story.Order
		if story.Product, err = s.Catalogue.Find(o.ProductCode); err != nil { // it is no longer sold
			story.Product = chancery.Product{Code: o.ProductCode, Name: o.ProductCode}
		}
		if story.Proofs, err = tx.Validations(o.AccountID, o.ID); err != nil {
			return err
		}
		if story.Looks, err = tx.Evidence(o.AccountID, o.ID); err != nil {
			return err
		}
		if err := errors.Join(story.work(tx), story.made(tx), story.key(tx), story.end(tx)); err != nil {
			return err
		}
		for _, proof := range story.Proofs {
			story.Told = story.Told || proof.Given()
		}
		if o.State == chancery.DomainVerify && story.Told {
			how, err = s.hastens(tx, *o)
		}
		return err
	})
	return story, how, err
}

// work tells of the order's background work.
func (story *OrderStory) work(tx chancery.Tx) error {
	steps, err := tx.OrderSteps(story.Order.AccountID, story.Order.ID)
	for _, step := range steps {
		switch step.Kind {
		case chancery.AdvanceOrder, chancery.OpenOrder:
			story.Delay = cmp.Or(step.LastError, story.Delay)
			if !step.ParkedAt.IsZero() {
				story.Parked = true
			} else if story.Next.IsZero() || step.DueAt.Before(story.Next) {
				story.Next = step.DueAt
			}
		case chancery.PrepareKey:
			story.MakingKey = true
		default: // of no concern to an applicant
		}
	}
	return err
}

// made tells which CA has the order and what came of it.
func (story *OrderStory) made(tx chancery.Tx) error {
	o := story.Order
	at, err := tx.ACMEOrder(o.AccountID, o.ID)
	if err == nil {
		story.Issuer = at.Issuer
	}
	if err != nil && !errors.Is(err, chancery.ErrNotFound) || o.CertificateID == 0 {
		return passed(err)
	}
	story.Certificate, err = tx.CertificateOfOrder(o.AccountID, o.ID)
	story.Certificate.PEM = ""
	return passed(err)
}

// passed lets it be that something is not there.
func passed(err error) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return nil
	}
	return err
}
