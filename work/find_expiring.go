package work

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"chancery"
)

const (
	// expiringPause is long, so that what ends on one day is told in few notices, and
	// shorter than the last of chancery.ExpiryDays.
	expiringPause = 6 * time.Hour
	// expiringBatch is how many certificates are looked at in one transaction, and the
	// most that one notice tells of.
	expiringBatch = 100
)

// findExpiring tells of certificates that have few days left: it goes along their ends
// from where it stopped the last time, so each is met once for each of
// chancery.ExpiryDays, and only for the least of those that passed while nobody looked.
func (w *Worker) findExpiring(ctx context.Context, step chancery.Step) error {
	now := w.Clock.Now()
	least, told := now, 0
	for _, days := range chancery.ExpiryDays {
		until := now.AddDate(0, 0, days)
		for {
			found, err := w.tellExpiring(ctx, step, days, least, until)
			if err != nil {
				return fmt.Errorf("telling of certificates that end within %d days: %w", days, err)
			}
			told += found
			if found < expiringBatch {
				break
			}
		}
		least = until
	}
	err := w.Store.Write(chancery.Confine(ctx, 0), func(tx chancery.Tx) error {
		for _, days := range chancery.ExpiryDays {
			mark, err := tx.ExpiryMark(days)
			if end := now.AddDate(0, 0, days); err == nil && end.After(mark.NotAfter) {
				err = tx.SetExpiryMark(days, allOf(end))
			}
			if err != nil {
				return err
			}
		}
		return tx.PostponeStep(step, now.Add(expiringPause), "")
	})
	if err != nil {
		return fmt.Errorf("looking for certificates that end: %w", err)
	}
	if told > 0 {
		w.Wake()
	}
	return nil
}

// allOf is the mark behind everything that ends at a time.
func allOf(end time.Time) chancery.ExpiryMark {
	return chancery.ExpiryMark{NotAfter: end, ID: math.MaxInt64}
}

// tellExpiring tells of one batch of those that end after least and by until, and gives
// how many it looked at. It looks first, which spares the store a Write that it has alone.
func (w *Worker) tellExpiring(ctx context.Context, step chancery.Step, days int, least, until time.Time) (found int, err error) {
	look := func(tx chancery.Tx) (batch []chancery.Certificate, err error) {
		mark, err := tx.ExpiryMark(days)
		if err != nil {
			return nil, err
		}
		if mark.NotAfter.Before(least) {
			mark = allOf(least)
		}
		return tx.ExpiringCertificates(mark, until, expiringBatch)
	}
	err = w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		batch, err := look(tx)
		found = len(batch)
		return err
	})
	if err != nil || found == 0 {
		return found, err
	}
	err = w.Store.Write(ctx, func(tx chancery.Tx) error {
		batch, err := look(tx)
		found = len(batch)
		if err != nil || found == 0 {
			return err
		}
		if err := w.addExpiring(tx, days, batch); err != nil {
			return err
		}
		last := batch[found-1]
		if err := tx.SetExpiryMark(days, chancery.ExpiryMark{NotAfter: last.NotAfter, ID: last.ID}); err != nil {
			return err
		}
		return tx.ContinueStep(step, w.Clock.Now())
	})
	return found, err
}

// addExpiring adds a notice for each account that has some of these.
func (w *Worker) addExpiring(tx chancery.Tx, days int, batch []chancery.Certificate) error {
	ends := map[chancery.AccountID]*chancery.ExpiringCertificates{}
	for _, c := range batch {
		replaced, err := tx.HasSuccessor(c)
		if err != nil {
			return err
		}
		if replaced {
			continue
		}
		if ends[c.AccountID] == nil {
			ends[c.AccountID] = &chancery.ExpiringCertificates{Days: days}
		}
		names := strings.Split(c.SANs, ",")
		if c.SANs == "" {
			names = []string{c.CommonName}
		}
		ends[c.AccountID].Certificates = append(ends[c.AccountID].Certificates,
			chancery.ExpiringCertificate{ID: c.ID, Name: c.Name, OrderID: c.OrderID, Names: names, NotAfter: c.NotAfter})
	}
	for account, expiring := range ends {
		err := tx.AddNotice(chancery.Notice{
			AccountID: account, Kind: chancery.CertificateExpiring, At: w.Clock.Now(), NoticeFields: chancery.NoticeFields{Expiring: expiring},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
