// Package crash kills the service with kill -9 and looks at what is left: at
// every named point of an order's life, at random moments, and during its first
// start. Whatever the moment, an acknowledged order goes on to its one
// certificate, quota equals orders, and the doctor finds the data sound.
//
// A failed test prints the seed that repeats its rounds:
//
//	go test ./e2e/crash -run 'TestKillAtPoints/create.committed' -seed 17
package crash

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/failpoint"
)

var seed = flag.Uint64("seed", 0, "repeats the rounds of an earlier run; 0 draws a new one")

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	allowParallel()
	os.Exit(runAndClean(m))
}

// allowParallel lets more rounds run at once than there are processors, unless
// the command line says how many: they mostly wait for the first look at a proof.
func allowParallel() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "5")
	}
}

// condition is how one round at a point differs from the others there.
type condition struct {
	name   string
	orders int // in flight at once
	turn   int // the process dies the turn-th time the point is reached
	method func(*rand.Rand) chancery.Method
	ownCSR func(*rand.Rand) bool
}

var conditions = []condition{
	{"service keys by DNS", 3, 1, always(chancery.DNS), always(false)},
	{"own CSRs by DNS", 4, 2, always(chancery.DNS), always(true)},
	{"service keys by FILE", 5, 3, always(chancery.FILE), always(false)},
	{"all mixed", 0, 0, either(chancery.DNS, chancery.FILE), either(true, false)}, // orders and turn are drawn too
}

func always[T any](value T) func(*rand.Rand) T { return func(*rand.Rand) T { return value } }

func either[T any](values ...T) func(*rand.Rand) T {
	return func(random *rand.Rand) T { return values[random.IntN(len(values))] }
}

// TestKillAtPoints kills the service at each point under each condition, on one
// data directory for each point.
func TestKillAtPoints(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, point := range failpoint.Points {
		t.Run(point, func(t *testing.T) {
			t.Parallel()
			random := seeded(t, point)
			dir := w.newDirectory(t)
			for i, c := range conditions {
				t.Run(c.name, func(t *testing.T) { dir.round(t, atPoint(t, w, random, point, i)) })
				if t.Failed() {
					return // the directory is evidence now
				}
			}
		})
	}
}

// atPoint draws the i-th round at a point.
func atPoint(t *testing.T, w *world, random *rand.Rand, point string, i int) round {
	c := conditions[i]
	if c.orders == 0 {
		c.orders, c.turn = 3+random.IntN(3), 1+random.IntN(3)
	}
	r := round{failpoint: fmt.Sprintf("%s:%d", point, c.turn), catalogue: w.elliptic, streams: c.orders}
	makesKeys := point == "key.committed" // which an order with its own CSR never passes
	if makesKeys && c.name == "all mixed" {
		r.catalogue = w.rsa
	}
	for n := range c.orders {
		own := c.ownCSR(random) && (!makesKeys || n >= c.turn)
		r.applicants = append(r.applicants, newApplicant(t, c.method(random), own))
	}
	return r
}

// TestKillAtRandomMoments kills the service under a stream of applications that
// lasts longer than any of them takes.
func TestKillAtRandomMoments(t *testing.T) {
	const (
		rounds, orders, streams = 6, 24, 4
		pace                    = 300 * time.Millisecond
		longest                 = 2 * time.Second
	)
	t.Parallel()
	w := newWorld(t)
	random := seeded(t, "random moments")
	dir := w.newDirectory(t)
	for i := range rounds {
		r := round{killAfter: time.Duration(random.Int64N(int64(longest))), catalogue: w.elliptic, streams: streams, pace: pace}
		for range orders {
			r.applicants = append(r.applicants, newApplicant(t, either(chancery.DNS, chancery.FILE)(random), either(true, false)(random)))
		}
		t.Run(fmt.Sprintf("%d after %s", i+1, r.killAfter.Round(time.Millisecond)), func(t *testing.T) { dir.round(t, r) })
		if t.Failed() {
			return
		}
	}
}

// TestKillDuringFirstStart kills the service while it makes its first account,
// when nobody has got a key yet. The next start must go on from there: in the
// end there is one account with the free plan, and the operator can make a key.
func TestKillDuringFirstStart(t *testing.T) {
	const rounds = 10
	t.Parallel()
	w := newWorld(t)
	random := seeded(t, "first start")
	for i := range rounds {
		d := &directory{world: w, path: shortTempDir(t)}
		// Half of them die while they open and make everything, and half in the
		// few milliseconds after they have begun to listen.
		if i%2 == 0 {
			first := launch(t, w.binary, "", w.serveFlags(d.path, w.elliptic)...)
			time.Sleep(time.Duration(random.Int64N(int64(200 * time.Millisecond)))) // the moment is what is tried here
			first.kill()
		} else {
			first := start(t, w.binary, "", w.serveFlags(d.path, w.elliptic)...)
			time.Sleep(time.Duration(random.Int64N(int64(10 * time.Millisecond))))
			first.kill()
		}
		second := start(t, w.binary, "", w.serveFlags(d.path, w.elliptic)...)
		d.doctor(t)
		d.newKey(t)
		quota, err := d.client(t, second).DescribePackageState(t.Context(), cas.DescribePackageStateInput{})
		if err != nil {
			t.Fatal(err)
		}
		if quota.TotalCount != chancery.FreePlanUnits || quota.UsedCount != 0 {
			t.Errorf("round %d: after the second start the quota is %+v", i+1, *quota)
		}
		second.stop(t)
		d.doctor(t)
	}
}

// seeded gives the random numbers of one test, and tells how to have them again.
func seeded(t *testing.T, test string) *rand.Rand {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("repeat with: go test ./e2e/crash -run '%s$' -seed %d", t.Name(), *seed)
		}
	})
	sum := fnv.New64()
	_, _ = sum.Write([]byte(test))
	return rand.New(rand.NewPCG(*seed, sum.Sum64()))
}
