package cas

import (
	"context"

	"chancery"
)

// Estate is what an account has, in numbers, and what of it needs somebody.
type Estate struct {
	// Orders counts the orders in each status of chancery.ListStatuses.
	Orders map[chancery.CertificateStatus]int64
	// Certificates counts the valid ones, Endings those of them that end on each of the
	// next EndingDays days, today first; a day is 24 hours from now on.
	Certificates int64
	Endings      [EndingDays]int64
	// The newest of what needs attention, at most fiveOf each.
	Waiting []WaitingOrder
	Failed  []CertificateOrder
	Revoked []CertificateOrder
	// Expiring are certificates that end soon, those that end first, at most fiveOf.
	Expiring []CertificateOrder
	// Troubles are CAs that orders of the account wait for and that fail, as notices tell
	// of them: after chancery.TroubleAfter.
	Troubles []chancery.TroubledCA
}

// WaitingOrder is an open order, and what it waits for.
type WaitingOrder struct {
	CertificateOrder
	For Waits
	// Trouble is why the issuer's last step failed; empty for none.
	Trouble string
	// Parked: it is not tried again until the operator says so.
	Parked bool
}

// Waits is what an open order waits for.
type Waits string

// An order waits for its proof, for the operator's decision, or for the issuer.
const (
	WaitsForProof  Waits = "proof"
	WaitsForReview Waits = "review"
	WaitsForIssuer Waits = "issuer"
)

const (
	// EndingDays is how far Estate looks ahead: a certificate of the day lives no longer.
	EndingDays = 200
	fiveOf     = 5
)

// Estate counts orders and certificates and names the newest that need attention.
func (s *Service) Estate(ctx context.Context, caller chancery.Caller, _ *Nothing) (*Estate, error) {
	out := &Estate{Orders: map[chancery.CertificateStatus]int64{}}
	valid := chancery.ListFilter{
		Kinds:    []chancery.ListKind{chancery.ListIssued, chancery.ListUploaded},
		Statuses: []chancery.CertificateStatus{chancery.StatusIssued, chancery.StatusWillExpire},
	}
	first := chancery.Page{Number: 1, Size: fiveOf}
	err := s.list(ctx, caller.AccountID, valid, first, func(tx chancery.Tx, _ []chancery.Listed, total int64) error {
		out.Certificates = total
		now := s.Clock.Now()
		days, err := tx.Endings(caller.AccountID, now, now.AddDate(0, 0, EndingDays))
		if err != nil {
			return err
		}
		for day, count := range days {
			out.Endings[day] += count
		}
		valid.Statuses = valid.Statuses[1:]
		soonest, _, err := tx.ListByEnd(caller.AccountID, valid, now, now.AddDate(0, 0, EndingDays), first)
		if err != nil {
			return err
		}
		if out.Expiring, err = rowsOf(tx, caller.AccountID, soonest, s.certificateRow); err != nil {
			return err
		}
		if out.Troubles, err = tx.TroubledCAsOf(caller.AccountID, now.Add(-chancery.TroubleAfter)); err != nil {
			return err
		}
		return s.countOrders(tx, caller.AccountID, out, first)
	})
	return out, err
}

func (s *Service) countOrders(tx chancery.Tx, account chancery.AccountID, out *Estate, first chancery.Page) error {
	for _, status := range chancery.ListStatuses {
		filter := chancery.ListFilter{Kinds: []chancery.ListKind{chancery.ListOrder}, Statuses: []chancery.CertificateStatus{status}}
		entries, total, err := tx.List(account, filter, first)
		if err != nil {
			return err
		}
		rows, err := rowsOf(tx, account, entries, s.orderRow)
		if err != nil {
			return err
		}
		out.Orders[status] = total
		switch status {
		case chancery.StatusCheckedFail:
			out.Failed = rows
		case chancery.StatusRevoked:
			out.Revoked = rows
		case chancery.StatusChecking:
			for _, row := range rows {
				waiting, err := waits(tx, account, row)
				if err != nil {
					return err
				}
				out.Waiting = append(out.Waiting, waiting)
			}
		default: // nothing to do about
		}
	}
	return nil
}

// rowsOf shows entries of a list.
func rowsOf(tx chancery.Tx, account chancery.AccountID, entries []chancery.Listed,
	row func(chancery.Tx, chancery.AccountID, chancery.Listed) (CertificateOrder, error),
) (rows []CertificateOrder, err error) {
	for _, entry := range entries {
		shown, err := row(tx, account, entry)
		if err != nil {
			return nil, err
		}
		rows = append(rows, shown)
	}
	return rows, nil
}

// waits finds out what an open order waits for.
func waits(tx chancery.Tx, account chancery.AccountID, row CertificateOrder) (WaitingOrder, error) {
	waiting := WaitingOrder{CertificateOrder: row, For: WaitsForProof}
	o, err := tx.Order(account, chancery.OrderID(row.OrderId))
	if err != nil {
		return waiting, err
	}
	if o.State == chancery.Process {
		waiting.For = WaitsForIssuer
		if o.Review == chancery.ReviewPending {
			waiting.For = WaitsForReview
		}
	}
	steps, err := tx.OrderSteps(account, o.ID)
	for _, step := range steps {
		if step.Kind == chancery.AdvanceOrder || step.Kind == chancery.OpenOrder {
			if step.Attempts > 0 && waiting.For != WaitsForReview {
				waiting.Trouble = step.LastError
			}
			waiting.Parked = waiting.Parked || !step.ParkedAt.IsZero()
		}
	}
	return waiting, err
}
