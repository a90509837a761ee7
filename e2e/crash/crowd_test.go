package crash

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"chancery"
)

// crowd is a stream of applicants: one comes at each pace, and stays until its order
// has ended, as long as there are not too many.
type crowd struct {
	place   *place
	random  *rand.Rand    // of the test's goroutine
	stop    func()        // has nobody come any more
	stopped chan struct{} // closed when the last one has come

	living sync.WaitGroup
	mu     sync.Mutex // guards the rest
	came   []*applicant
	failed []error
	issued []time.Time // when the owners of those orders that are issued had come
	gaveUp time.Time   // when somebody last revoked a certificate
}

func (p *place) newCrowd(t *testing.T, random *rand.Rand) *crowd {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	c := &crowd{place: p, random: random, stop: cancel, stopped: make(chan struct{})}
	// Pebble stands still when many clients call it at once.
	pace, most := 500*time.Millisecond, 30
	if p.world.ca != nil {
		pace, most = 800*time.Millisecond, 24
	}
	go c.run(ctx, t.Context(), rand.New(rand.NewPCG(random.Uint64(), 0)), pace, most)
	t.Cleanup(func() {
		cancel()
		<-c.stopped
		c.living.Wait() // t.Context has ended
	})
	return c
}

func (c *crowd) run(coming, living context.Context, random *rand.Rand, pace time.Duration, most int) {
	defer close(c.stopped)
	places := make(chan struct{}, most)
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-coming.Done():
			return
		}
		select {
		case places <- struct{}{}:
		default:
			continue
		}
		a := newApplicant([]chancery.Method{chancery.DNS, chancery.FILE}[random.IntN(2)], random.IntN(2) == 0, random.IntN(2) == 0)
		came := time.Now()
		c.mu.Lock()
		c.came = append(c.came, a)
		c.mu.Unlock()
		c.living.Go(func() {
			defer func() { <-places }()
			err := a.live(living, c.place, func() {
				c.mu.Lock()
				c.issued = append(c.issued, came)
				c.mu.Unlock()
			})
			c.mu.Lock()
			defer c.mu.Unlock()
			switch {
			case err == nil && a.revokes:
				c.gaveUp = time.Now()
			case err != nil && living.Err() == nil:
				c.failed = append(c.failed, err)
			}
		})
	}
}

func (c *crowd) all() []*applicant {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.came)
}

// revokedAfter tells whether a certificate was revoked after that time.
func (c *crowd) revokedAfter(when time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.gaveUp.After(when)
}

// working waits until somebody who came after that time has a certificate, and
// tells how long after it that was.
func (c *crowd) working(t *testing.T, after time.Time) time.Duration {
	t.Helper()
	for {
		c.mu.Lock()
		working := slices.ContainsFunc(c.issued, after.Before)
		failed := errors.Join(c.failed...)
		c.mu.Unlock()
		switch {
		case failed != nil:
			t.Fatal(failed)
		case working:
			return time.Since(after)
		case time.Since(after) > patience:
			t.Fatalf("nobody who came after the start has a certificate %v after it", patience)
		}
		c.place.alive(t)
		time.Sleep(20 * time.Millisecond)
	}
}

// end has the last applicants served and compares everything.
func (c *crowd) end(t *testing.T) {
	t.Helper()
	p := c.place
	if len(p.running()) == 0 {
		p.launch(t).listening(t)
	}
	c.stop()
	<-c.stopped
	served := make(chan struct{})
	go func() {
		defer close(served)
		c.living.Wait()
	}()
	select {
	case <-served:
	case <-time.After(2 * patience):
		for _, a := range c.all() {
			if !a.done.Load() {
				t.Errorf("%s, order %d, is not done", a.name, a.order.Load())
			}
		}
		t.Fatalf("not everybody is served %v after the last kill", 2*patience)
	}
	if err := errors.Join(c.failed...); err != nil {
		t.Fatal(err)
	}
	p.settled(t)
	p.checkQuota(t, c.came)
	for _, life := range p.running() {
		life.stop(t)
		p.buried(life)
	}
	p.doctor(t)
	p.audit(t, c.came)
}
