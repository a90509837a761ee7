package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

// Estate is what there is of all accounts together, for the operator's metrics.
type Estate struct {
	Orders map[chancery.State]int64 // by state; deleted ones too
	// Expiring are certificates that end within each of the times asked for.
	Expiring []int64
	// CRLEnd is when the first of the stored CRLs ends; zero: there is none.
	CRLEnd time.Time
}

// Estate counts what there is. It reads every order, and so should not be asked
// often. Certificates are looked for in what lists show, at most 30 days ahead.
func (s *Store) Estate(ctx context.Context, now time.Time, within []time.Duration) (Estate, error) {
	e := Estate{Orders: map[chancery.State]int64{}}
	orders, err := s.readSQL.CountOrders(ctx)
	if err != nil {
		return e, fmt.Errorf("counting orders: %w", err)
	}
	for _, row := range orders {
		e.Orders[chancery.State(row.State)] = row.Orders
	}
	for _, time := range within {
		count, err := s.readSQL.CountExpiring(ctx, query.CountExpiringParams{Now: toMillis(now), Until: toMillis(now.Add(time))})
		if err != nil {
			return e, fmt.Errorf("counting certificates that expire: %w", err)
		}
		e.Expiring = append(e.Expiring, count)
	}
	end, err := s.readSQL.FirstCRLEnd(ctx)
	if err := found("looking for the CRL that ends first", err); err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return e, err
	}
	e.CRLEnd = fromMillis(end)
	return e, nil
}

// DatabaseClock is the time of the database, by which leases run.
func (s *Store) DatabaseClock(ctx context.Context) (time.Time, error) {
	ms, err := s.readSQL.DatabaseClock(ctx)
	if err != nil {
		return time.Time{}, fmt.Errorf("asking the database for its time: %w", err)
	}
	return fromMillis(ms), nil
}
