package crash

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"chancery/cas"
	"chancery/client"
	"chancery/store"
)

// round is one death of the service and its life after it.
type round struct {
	failpoint  string        // where the process kills itself, as "name:n"; or else
	killAfter  time.Duration // it is killed so long after it listens
	catalogue  string
	applicants []*applicant
	streams    int           // how many apply at once before it dies
	pace       time.Duration // how long each of those rests before it applies
}

// round has everybody apply until the service dies, and then go on with the next
// instance.
func (d *directory) round(t *testing.T, r round) {
	d.applicants = append(d.applicants, r.applicants...)
	d.die(t, r)

	d.doctor(t)
	atDeath := d.records(t)

	second := start(t, d.binary, "", d.serveFlags(d.path, r.catalogue)...)
	d.doctor(t)
	d.finish(t, second, r)
	d.checkQuota(t, second)
	d.doctor(t)
	second.stop(t)
	d.audit(t, atDeath)
}

// die is the first life: applications are sent and proofs published until the
// process is gone.
func (d *directory) die(t *testing.T, r round) {
	t.Helper()
	first := start(t, d.binary, r.failpoint, d.serveFlags(d.path, r.catalogue)...)
	var applying sync.WaitGroup
	applying.Go(func() {
		r.all(first.lifetime(t), d.client(t, first), r.streams, func(ctx context.Context, c *client.Client, a *applicant) {
			select {
			case <-time.After(r.pace):
			case <-ctx.Done():
				return
			}
			err := a.applyAndPublish(ctx, c, d.world)
			var refused *client.Error
			if errors.As(err, &refused) {
				t.Errorf("before the kill: %v", err) // a cut connection is what this is about, a refusal is not
			}
		})
	})
	if r.failpoint != "" {
		first.awaitDeath(t)
	} else {
		time.Sleep(r.killAfter) // the moment is what is tried here
		first.kill()
	}
	applying.Wait()
}

// finish is the second life: everybody, acknowledged or cut, sends its
// application again, and gets its certificate.
func (d *directory) finish(t *testing.T, second *instance, r round) {
	t.Helper()
	c := d.client(t, second)
	root, err := c.Root(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r.all(second.lifetime(t), c, len(r.applicants), func(ctx context.Context, c *client.Client, a *applicant) {
		err := a.applyAndPublish(ctx, c, d.world)
		if err == nil {
			err = a.apply(ctx, c) // once more for good measure: the same order
		}
		if err == nil {
			err = a.collect(ctx, c, root)
		}
		if err != nil {
			t.Errorf("after the restart: %v", err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

// all has every applicant do something, so many at once, while ctx lasts.
func (r round) all(ctx context.Context, c *client.Client, atOnce int, do func(context.Context, *client.Client, *applicant)) {
	queue := make(chan *applicant, len(r.applicants))
	for _, a := range r.applicants {
		queue <- a
	}
	close(queue)
	var streams sync.WaitGroup
	for range atOnce {
		streams.Go(func() {
			for a := range queue {
				if ctx.Err() == nil {
					do(ctx, c, a)
				}
			}
		})
	}
	streams.Wait()
}

func (d *directory) client(t *testing.T, i *instance) *client.Client {
	t.Helper()
	c, err := client.New(i.endpoint, d.credentials, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkQuota compares the quota with the orders that there are.
func (d *directory) checkQuota(t *testing.T, i *instance) {
	t.Helper()
	quota, err := d.client(t, i).DescribePackageState(t.Context(), cas.DescribePackageStateInput{})
	if err != nil {
		t.Fatal(err)
	}
	if orders := int64(len(d.applicants)); quota.UsedCount != orders || quota.IssuedCount != orders {
		t.Fatalf("%d orders are live and issued, the quota says %+v", orders, *quota)
	}
}

// doctor has the program's own auditor look at the directory, be it dead or
// served.
func (d *directory) doctor(t *testing.T) {
	t.Helper()
	var report store.Report
	if err := json.Unmarshal(d.run(t, "doctor", "--output", "json"), &report); err != nil {
		t.Fatal(err)
	}
	if report.Checks == 0 || len(report.Problems) > 0 {
		t.Fatalf("the doctor says %+v", report)
	}
}
