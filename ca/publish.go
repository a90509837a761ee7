package ca

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chancery"
)

// A revocation is on the CRL within a minute: it is looked for at most
// lookPause after the last look when somebody fetches the CRL, and every
// publishPause when nobody does; who fetches through a cache waits listCached more.
// Every process looks, so that a dead one leaves nothing undone for longer than that.
const (
	lookPause    = 5 * time.Second
	publishPause = 10 * time.Second
	listCached   = "public, max-age=30"
	// clocksDiffer is by how much the clocks of nodes may: a CRL from further in the
	// future was made by one that was wrong, and is replaced.
	clocksDiffer = time.Minute
)

// publishedLists are the CRLs that an authority shows, by partition.
type publishedLists struct {
	mu    sync.Mutex // guards the map
	lists map[int64]*publishedList
}

type publishedList struct {
	mu     sync.Mutex // guards the rest, and is held while a new one is made
	crl    chancery.CRL
	looked time.Time // when it was last compared with the record
}

func (p *publishedLists) published(partition int64) *publishedList {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lists == nil {
		p.lists = map[int64]*publishedList{}
	}
	if p.lists[partition] == nil {
		p.lists[partition] = &publishedList{}
	}
	return p.lists[partition]
}

// CRL gives the first certificate revocation list of the issuing CA in DER: the
// only one until Config.CRLSize certificates were issued. Its bytes are not to be
// changed.
func (a *Authority) CRL(ctx context.Context) ([]byte, error) {
	list, err := a.list(ctx, a.issuing, 0)
	return list.DER, err
}

// list gives a CRL of an authority that is no older than a day and, save for
// lookPause, lists all that was revoked. It is chancery.ErrNotFound for a
// partition that no certificate names.
func (a *Authority) list(ctx context.Context, issuer *authority, partition int64) (chancery.CRL, error) {
	if partition != 0 && partition > a.newestPartition(ctx, issuer) {
		return chancery.CRL{}, chancery.ErrNotFound
	}
	published := issuer.published(partition)
	published.mu.Lock()
	defer published.mu.Unlock()
	now := a.config.Clock.Now().UTC().Truncate(time.Second)
	if age := now.Sub(published.looked); published.crl.Number > 0 && age >= 0 && age < lookPause {
		return published.crl, ctx.Err()
	}
	crl, err := a.current(ctx, issuer, partition, now)
	if err != nil {
		return chancery.CRL{}, fmt.Errorf("making CRL %d of authority %s: %w", partition, issuer.id, err)
	}
	published.crl, published.looked = crl, now
	return crl, nil
}

func (a *Authority) newestPartition(ctx context.Context, issuer *authority) (newest int64) {
	// A failure here is one of the database: the next look at it will tell.
	_ = a.config.Store.Read(ctx, func(tx chancery.Tx) error {
		crl, err := tx.NewestCRL(issuer.id)
		newest = crl.Partition
		return err
	})
	return newest
}

// current gives the stored CRL if it still holds, else makes the next. When
// another process makes that number at the same time, what it stored counts, and
// is looked at in the same way.
func (a *Authority) current(ctx context.Context, issuer *authority, partition int64, now time.Time) (chancery.CRL, error) {
	const attempts = 3
	for range attempts {
		stored, revoked, err := a.recordedList(ctx, issuer, partition, now)
		if err != nil || revoked == nil {
			return stored, err
		}
		made, err := a.makeList(ctx, issuer, stored, revoked, now)
		if !errors.Is(err, chancery.ErrConflict) {
			return made, err
		}
	}
	return chancery.CRL{}, fmt.Errorf("other processes were faster %d times in a row", attempts)
}

// recordedList reads the stored CRL and, if another has to be made, what that
// lists; revoked is nil otherwise.
func (a *Authority) recordedList(ctx context.Context, issuer *authority, partition int64, now time.Time) (stored chancery.CRL, revoked []chancery.Issuance, err error) {
	err = a.config.Store.Read(ctx, func(tx chancery.Tx) error {
		stored, revoked = chancery.CRL{AuthorityID: issuer.id, Partition: partition}, nil
		found, err := tx.CRL(issuer.id, partition)
		if err == nil {
			stored = found
		} else if !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		newest, err := tx.NewestCRL(issuer.id)
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		partial := newest.Partition > 0
		if holds(stored, partial, now) {
			return nil
		}
		if revoked, err = tx.RevokedIssuances(issuer.id, partition, listedSince(stored, now)); err != nil {
			return err
		}
		stored.Partial = partial
		if revoked == nil {
			revoked = []chancery.Issuance{}
		}
		return nil
	})
	if err != nil {
		return stored, nil, fmt.Errorf("reading what is revoked: %w", err)
	}
	return stored, revoked, nil
}

// holds tells whether a CRL can go on being shown. One whose data was restored from an
// older copy has a number and no DER.
func holds(crl chancery.CRL, partial bool, now time.Time) bool {
	return len(crl.DER) > 0 && crl.Listed == crl.Revoked && crl.Partial == partial &&
		now.Before(crl.ThisUpdate.Add(listRenewal)) && !crl.ThisUpdate.After(now.Add(clocksDiffer))
}

// listedSince is the end of the oldest certificates that are listed. An entry
// leaves only after it was on a regular CRL made after its certificate had ended
// (RFC 5280, section 3.3): the last CRL is one that was, and a day has a regular one.
func listedSince(last chancery.CRL, now time.Time) time.Time {
	since := now.Add(-listRenewal)
	if last.Number > 0 {
		since = earlier(since, last.ThisUpdate)
	}
	return since
}

// Publish keeps every CRL current until ctx ends, whether or not anybody fetches
// it. Failures go to the log.
func (a *Authority) Publish(ctx context.Context) {
	ticker := time.NewTicker(publishPause)
	defer ticker.Stop()
	for {
		a.publishAll(ctx)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (a *Authority) publishAll(ctx context.Context) {
	for _, issuer := range a.all {
		for partition := range a.newestPartition(ctx, issuer) + 1 {
			if _, err := a.list(ctx, issuer, partition); err != nil && ctx.Err() == nil {
				a.config.Log.ErrorContext(ctx, "making a CRL failed", "authority", issuer.id, "error", err)
			}
		}
	}
}
