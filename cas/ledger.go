package cas

import (
	"context"
	"errors"

	"chancery"
)

// LedgerInput is what Ledger takes.
type LedgerInput struct{ CurrentPage, ShowSize int64 }

// Ledger is a page of the ledger, newest first.
type Ledger struct {
	Total int64
	Lines []LedgerEntry
}

// LedgerEntry is a line of the ledger with what explains it.
type LedgerEntry struct {
	chancery.LedgerLine
	ProductCode string
	// Names are those of the order; empty when it was deleted.
	Names string
	Gone  bool // the order was deleted
}

// Ledger tells which order took each unit of the account's plans, and which gave one back.
func (s *Service) Ledger(ctx context.Context, caller chancery.Caller, in *LedgerInput) (*Ledger, error) {
	asked, err := page(in.CurrentPage, in.ShowSize)
	if err != nil {
		return nil, err
	}
	out := &Ledger{}
	err = s.Store.Read(ctx, func(tx chancery.Tx) error {
		plans, err := tx.Plans(caller.AccountID)
		if err != nil {
			return err
		}
		products := map[int64]string{}
		for _, p := range plans {
			products[p.ID] = p.ProductCode
		}
		lines, total, err := tx.LedgerPage(caller.AccountID, asked)
		if err != nil {
			return err
		}
		out.Total, out.Lines = total, nil
		for _, line := range lines {
			entry := LedgerEntry{LedgerLine: line, ProductCode: products[line.PlanID]}
			o, err := tx.Order(caller.AccountID, line.OrderID)
			if entry.Gone = errors.Is(err, chancery.ErrNotFound); !entry.Gone {
				if err != nil {
					return err
				}
				entry.Names = o.Names.String()
			}
			out.Lines = append(out.Lines, entry)
		}
		return nil
	})
	return out, err
}
