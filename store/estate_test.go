package store

import (
	"testing"
	"time"

	"chancery"
)

// TestEstate counts a small estate on both engines.
func TestEstate(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) { countsEstate(t, newEngine(t).Store) })
	t.Run("PostgreSQL", func(t *testing.T) { countsEstate(t, newNode(t).Store) })
}

func countsEstate(t *testing.T, s *Store) {
	now := time.UnixMilli(1_800_000_000_000)
	account := chancery.Account{ID: 1_000_000_000_000_001, CreatedAt: now}
	plan := chancery.Plan{AccountID: account.ID, ProductCode: "p", Total: 9, GrantedAt: now}
	err := s.Write(ctx, func(tx chancery.Tx) error {
		if err := tx.AddAccount(account); err != nil {
			return err
		}
		plan, err := tx.AddPlan(plan)
		if err != nil {
			return err
		}
		for i, state := range []chancery.State{chancery.Process, chancery.DomainVerify, chancery.Process} {
			o := chancery.Order{ID: chancery.OrderID(i + 1), AccountID: account.ID, InstanceID: chancery.NewInstanceID(), PlanID: plan.ID, State: state, CreatedAt: now}
			if err := tx.AddOrder(o); err != nil {
				return err
			}
		}
		const hour, day = time.Hour, 24 * time.Hour
		for i, left := range []time.Duration{-hour, hour, 2 * day, 20 * day, 90 * day} {
			c := chancery.Certificate{ID: chancery.CertificateID(i + 1), AccountID: account.ID, Name: string(rune('a' + i)), CreatedAt: now}
			c.NotAfter = now.Add(left)
			if err := tx.AddCertificate(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second settles those that have ended
		if err := s.Write(ctx, func(tx chancery.Tx) error { _, err := tx.SettleLists(0, now, 100); return err }); err != nil {
			t.Fatal(err)
		}
	}
	e, err := s.Estate(ctx, now, []time.Duration{24 * time.Hour, 7 * 24 * time.Hour, chancery.ExpiryWindow})
	if err != nil {
		t.Fatal(err)
	}
	if e.Orders[chancery.Process] != 2 || e.Orders[chancery.DomainVerify] != 1 || e.Orders[chancery.Issued] != 0 {
		t.Errorf("orders %v", e.Orders)
	}
	if len(e.Expiring) != 3 || e.Expiring[0] != 1 || e.Expiring[1] != 2 || e.Expiring[2] != 3 {
		t.Errorf("expiring %v, want 1, 2, 3", e.Expiring)
	}
	if !e.CRLEnd.IsZero() {
		t.Errorf("a CRL ends at %v, and there is none", e.CRLEnd)
	}
	if there, err := s.DatabaseClock(ctx); err != nil || time.Since(there).Abs() > time.Minute {
		t.Errorf("the database's time is %v, %v", there, err)
	}
}
