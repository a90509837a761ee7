// Package crash kills and freezes the service and looks at what is left: at every
// named point of an order's life, at random moments, and during its first start,
// with both databases, the embedded CA and an ACME CA, and on two nodes of which
// one is gone. Whatever the moment, an acknowledged order goes on to its one
// certificate, quota equals orders, and the doctor finds the data sound.
//
// A crowd of applicants goes on all the time, so that the service dies with orders
// in every state. The tests stand in files of their own:
//
//	applicant  one who wants a certificate, however often the service dies
//	crowd      many of them, one after another
//	place      the data of a service, and the processes that live on it
//	audit      what must be true of the data, read past the program
//	process    one process
//	world      what stands around the service
//
// A failed test prints the seed that repeats its rounds, as far as chance does not
// come from elsewhere. CHANCERY_TORTURE=1 makes the long run.
package crash

import (
	"flag"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/failpoint"
	"chancery/internal/pgtest"
)

var seed = flag.Uint64("seed", 0, "repeats the rounds of an earlier run; 0 draws a new one")

// long is the run whose figures docs/reliability.md has.
var long = os.Getenv("CHANCERY_TORTURE") == "1"

// rounds is a count for CI, or the one of the long run.
func rounds(short, many int) int {
	if long {
		return many
	}
	return short
}

func TestMain(m *testing.M) {
	flag.Parse()
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	allowParallel()
	status := runAndClean(m)
	pgtest.Stop()
	os.Exit(status)
}

// allowParallel lets more tests run at once than there are processors, unless
// the command line says how many: they mostly wait for the first look at a proof.
func allowParallel() {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		_ = flag.Set("test.parallel", "5")
	}
}

// anyMoment is a point of no name: the process is killed from outside.
const anyMoment = "any moment"

// combination is one service that dies again and again.
type combination struct {
	name     string
	database engine
	issuer   string
	kills    int
	points   []string
}

func combinations() []combination {
	local := slices.Concat(failpoint.Points, failpoint.RevokePoints, failpoint.CRLPoints, []string{anyMoment})
	acme := slices.Concat(failpoint.ACMEPoints, failpoint.RevokePoints, []string{anyMoment})
	return []combination{
		{"SQLite, embedded CA", sqlite, chancery.LocalIssuer, rounds(60, 300), local},
		{"PostgreSQL, embedded CA", postgres, chancery.LocalIssuer, rounds(60, 300), local},
		{"SQLite, ACME CA", sqlite, acmeIssuer, rounds(40, 200), acme},
		{"PostgreSQL, ACME CA", postgres, acmeIssuer, rounds(40, 200), acme},
	}
}

// backWithin is how long after the start that follows a kill, at most, an order that
// was applied for after it has its certificate.
const backWithin = 30 * time.Second

// TestKillAtPoints kills the service again and again, each time at another point.
// Every third time it dies while it recovers from the time before.
func TestKillAtPoints(t *testing.T) {
	t.Parallel()
	for _, c := range combinations() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			random := seeded(t, c.name)
			w := newWorld(t, c.issuer)
			p := w.newPlace(t, c.database)
			crowd := p.newCrowd(t, random)
			var worst time.Duration
			killed := map[string]int{}
			var points []string
			for round := range c.kills {
				if len(points) == 0 {
					points = shuffled(random, c.points)
				}
				point := points[0]
				points = points[1:]
				worst = max(worst, crowd.round(t, point, round))
				killed[point]++
				if t.Failed() {
					return // the data are evidence now
				}
			}
			crowd.end(t)
			t.Logf("%d kills at %d points, %d orders; at work again after %v at the most", c.kills, len(killed), len(crowd.all()), worst.Round(10*time.Millisecond))
		})
	}
}

func shuffled(random *rand.Rand, points []string) []string {
	points = slices.Clone(points)
	random.Shuffle(len(points), func(i, j int) { points[i], points[j] = points[j], points[i] })
	return points
}

// round is one life of the service, to its death, and the start of the next. It
// tells how long after its start it was at work again, or 0 when it died in its
// recovery.
func (c *crowd) round(t *testing.T, point string, round int) (back time.Duration) {
	t.Helper()
	const longest = time.Second  // that a life at a random moment lasts
	doctorEvery := rounds(5, 20) // it reads all there is, which is much in a long run
	p, began := c.place, time.Now()
	inRecovery := round%3 == 2 && point != anyMoment
	if slices.Contains(failpoint.CRLPoints, point) {
		inRecovery = c.revokedAfter(p.launched) // the next life makes a CRL at once
	}
	if inRecovery {
		p.arm(t, point, 1)
	}
	life := p.launch(t)
	if !inRecovery { // else it need not even come up
		if back = c.working(t, p.launched); back > backWithin {
			t.Errorf("at work again %v after it was started, more than %v", back, backWithin)
		}
	}
	switch {
	case point == anyMoment:
		time.Sleep(time.Duration(c.random.Int64N(int64(longest)))) // the moment is what is tried here
		life.kill()
	case inRecovery:
		life.awaitDeath(t, point)
	default:
		p.arm(t, point, 1+c.random.IntN(3))
		life.awaitDeath(t, point)
	}
	p.buried(life)
	t.Logf("round %d: %s, in its recovery: %v; at work after %v; took %v", round, point, inRecovery, back, time.Since(began))
	if round%doctorEvery == doctorEvery-1 {
		p.doctor(t)
		p.compareRecords(t)
	}
	return back
}

// TestKillDuringFirstStart kills the service while it makes its first account,
// when nobody has got a key yet. The next start must go on from there: in the
// end there is one account with the free plan, and the operator can make a key.
func TestKillDuringFirstStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t, chancery.LocalIssuer)
	random := seeded(t, "first start")
	for i := range rounds(10, 100) {
		p := w.emptyPlace(t, []engine{sqlite, postgres}[i/2%2])
		// Half of them die while they open and make everything, and half in the
		// few milliseconds after they have begun to listen.
		first := p.launch(t)
		if i%2 == 0 {
			time.Sleep(time.Duration(random.Int64N(int64(400 * time.Millisecond)))) // the moment is what is tried here
		} else {
			first.listening(t)
			time.Sleep(time.Duration(random.Int64N(int64(10 * time.Millisecond))))
		}
		first.kill()
		p.buried(first)
		second := p.launch(t)
		second.listening(t)
		p.doctor(t)
		p.newKey(t)
		quota, err := p.client(t, second).DescribePackageState(t.Context(), cas.DescribePackageStateInput{})
		if err != nil {
			t.Fatal(err)
		}
		if quota.TotalCount != chancery.FreePlanUnits || quota.UsedCount != 0 {
			t.Errorf("round %d: after the second start the quota is %+v", i+1, *quota)
		}
		second.stop(t)
		p.buried(second)
		p.doctor(t)
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
	_, _ = fmt.Fprint(sum, test)
	return rand.New(rand.NewPCG(*seed, sum.Sum64()))
}
