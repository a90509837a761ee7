package database

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancery/internal/pgtest"
)

// slowest is how long a caller may wait for any answer, and backWithin how soon after a
// fault's end calls succeed again.
var slowest, backWithin = limit(5 * time.Second), limit(10 * time.Second)

// limit is what was promised, or twice that where other tests run beside these.
func limit(promised time.Duration) time.Duration {
	if torture {
		return promised
	}
	return 2 * promised
}

// fault is one way in which a database fails.
type fault struct {
	server   *pgtest.Server
	w        *world
	wire     *wire // nil: the nodes speak to the server directly
	behind   bool  // whether there is to be a wire
	settings []string
	// refuses is whether some calls must be refused: else there was no fault.
	refuses bool
	// make goes on until ctx ends, and then mends what it broke.
	make func(ctx context.Context, t *testing.T, f *fault)
}

const connected = "application_name = 'chancery'"

func TestDatabaseIsRestarted(t *testing.T) {
	(&fault{refuses: true, make: func(ctx context.Context, t *testing.T, f *fault) {
		f.cycle(ctx, t, f.server.Stop)
	}}).run(t)
}

func TestDatabaseIsKilled(t *testing.T) {
	(&fault{refuses: true, make: func(ctx context.Context, t *testing.T, f *fault) {
		f.cycle(ctx, t, f.server.Crash)
	}}).run(t)
}

// cycle takes the database away for two seconds, gives it back for two, and so on.
func (f *fault) cycle(ctx context.Context, t *testing.T, end func()) {
	const away, there = 2 * time.Second, 2 * time.Second
	for again := true; again; again = rest(ctx, there) {
		end()
		time.Sleep(away)
		must(t, f.server.Start())
	}
}

func TestConnectionsAreTerminated(t *testing.T) {
	(&fault{make: func(ctx context.Context, t *testing.T, f *fault) {
		for rest(ctx, 100*time.Millisecond) {
			must(t, f.server.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "+connected))
		}
	}}).run(t)
}

func TestNetworkIsCutAtCommit(t *testing.T) {
	(&fault{behind: true, refuses: true, make: func(ctx context.Context, t *testing.T, f *fault) {
		f.wire.odds.Store(4)
		<-ctx.Done()
		f.wire.odds.Store(0)
		for fate := before; fate <= silentAfter; fate++ {
			n := f.wire.cuts[fate].Load()
			if t.Logf("COMMIT %s: %d times", fate, n); n == 0 && torture {
				t.Errorf("no COMMIT was %s", fate)
			}
		}
	}}).run(t)
}

func TestTwoSecondsOfLatency(t *testing.T) {
	(&fault{behind: true, refuses: true, make: func(ctx context.Context, _ *testing.T, f *fault) {
		f.wire.delay.Store(int64(2 * time.Second))
		<-ctx.Done()
		f.wire.delay.Store(0)
	}}).run(t)
}

// Others take every connection that the server has to give, those of the nodes too.
func TestConnectionsAreExhausted(t *testing.T) {
	(&fault{settings: []string{"max_connections=60"}, refuses: true, make: func(ctx context.Context, t *testing.T, f *fault) {
		others, err := sql.Open("pgx", f.server.URL("postgres"))
		must(t, err)
		defer func() { _ = others.Close() }()
		var held atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { hoard(ctx, others, &held) })
		}
		all.Wait()
		t.Logf("others held %d connections", held.Load())
	}}).run(t)
}

// hoard holds every connection that it gets until ctx ends. When there is none to be had,
// one that the nodes have is ended.
func hoard(ctx context.Context, others *sql.DB, held *atomic.Int64) {
	var own []*sql.Conn
	defer func() {
		for _, conn := range own {
			_ = conn.Close()
		}
	}()
	for ctx.Err() == nil {
		conn, err := others.Conn(ctx)
		if err == nil {
			own = append(own, conn)
			held.Add(1)
			continue
		}
		if len(own) > 0 {
			_, _ = own[0].ExecContext(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE "+connected+" LIMIT 1")
		}
		rest(ctx, 10*time.Millisecond)
	}
}

// run makes the fault while 64 clients are at work.
func (f *fault) run(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds the service with the race detector and breaks its database")
	}
	if !torture {
		t.Parallel() // figures are those of the long run
	}
	f.server = pgtest.Own(t, f.settings...)
	url := f.server.URL("postgres")
	if f.behind {
		f.wire = newWire(t, f.server.Socket())
		url = f.wire.url()
	}
	f.w = newWorld(t, f.server, url)
	c := newClients(f.w)

	const calm = 2 * time.Second
	working, stop := context.WithCancel(t.Context())
	defer stop()
	var all sync.WaitGroup
	all.Go(func() { c.work(working) })
	time.Sleep(calm)
	began := time.Now()
	failing, end := context.WithTimeout(t.Context(), faultTime(t))
	defer end()
	f.make(failing, t, f)
	ended := time.Now()
	time.Sleep(calm)
	stop()
	all.Wait()

	c.settle(t)
	settled := time.Since(ended)
	c.check(t)
	for _, n := range f.w.nodes {
		n.stop(t)
	}
	t.Logf("%s", f.w.nodes[0].operate(t, "doctor"))
	f.judge(t, c, began, ended, settled)
}

// judge looks at what the clients measured.
func (f *fault) judge(t *testing.T, c *clients, began, ended time.Time, settled time.Duration) {
	t.Helper()
	var worst, worstRefusal, back time.Duration
	served, refused := 0, 0
	for _, s := range c.calls {
		worst = max(worst, s.took)
		if s.status == 503 {
			refused++
			worstRefusal = max(worstRefusal, s.took)
		}
		if s.status != 200 {
			continue
		}
		served++
		if done := s.began.Add(s.took).Sub(ended); done >= 0 && (back == 0 || done < back) {
			back = done
		}
	}
	t.Logf("fault of %v: %d calls answered, %d refused with 503; the slowest took %v, the slowest 503 %v; first success %v after the end; %d orders, all with their certificates %v after the end",
		ended.Sub(began).Round(time.Second), served, refused, worst.Round(time.Millisecond), worstRefusal.Round(time.Millisecond), back.Round(time.Millisecond), len(c.orders), settled.Round(time.Second))
	if worst > slowest {
		t.Errorf("a call took %v, and none may take more than %v", worst, slowest)
	}
	if back == 0 || back > backWithin {
		t.Errorf("the first success came %v after the fault's end, not within %v", back, backWithin)
	}
	if f.refuses && refused == 0 {
		t.Error("no call was refused: there was no fault")
	}
	if len(c.orders) < applicants {
		t.Errorf("only %d orders", len(c.orders))
	}
}
