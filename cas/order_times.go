package cas

import (
	"math"

	"chancery"
)

// key tells when the order got its key.
func (story *OrderStory) key(tx chancery.Tx) (err error) {
	o := story.Order
	if o.MakesKey() && o.Open() {
		story.KeyMadeAt, err = tx.OrderKeyMade(o.AccountID, o.ID)
	}
	return passed(err)
}

// end tells when the order failed, of which its notice has the time as long as notices
// are kept, or when it was withdrawn, which is a line of the audit log.
func (story *OrderStory) end(tx chancery.Tx) error {
	o := story.Order
	switch o.State {
	case chancery.VerifyFail:
		const most = 1000 // orders that failed since this one was made
		notices, err := tx.NoticesSince(o.AccountID, chancery.OrderFailed, o.CreatedAt, most)
		for _, notice := range notices {
			if notice.Order != nil && notice.Order.ID == o.ID {
				story.EndedAt = notice.At
			}
		}
		return err
	case chancery.Payed:
		return story.withdrawn(tx)
	default: // it goes on, or says itself when it ended
		return nil
	}
}

// withdrawn looks for the order's line among the newest of the audit log, which has no
// index of them.
func (story *OrderStory) withdrawn(tx chancery.Tx) error {
	const within, most = 20_000, 10
	o := story.Order
	newest, err := tx.AuditLines(o.AccountID, chancery.AuditFilter{Before: math.MaxInt64, Most: 1})
	if err != nil || len(newest) == 0 {
		return err
	}
	lines, err := tx.AuditLines(o.AccountID, chancery.AuditFilter{
		Before: math.MaxInt64, After: max(0, newest[0].Seq-within), Since: o.CreatedAt,
		Action: "yundun-cert:CancelOrderRequest", Resource: orderResource(int64(o.ID)), Most: most,
	})
	for _, line := range lines {
		if line.Code == "" {
			story.EndedAt = line.At
		}
	}
	return err
}
