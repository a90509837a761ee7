package crash

import (
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"chancery"
	"chancery/internal/failpoint"
)

// TestANodeIsAwayWithALease kills, or freezes for longer than a lease, that one of two
// nodes that has a step in hand: before it signs, after, and before it commits. The
// other one takes the step; what the frozen one commits when it goes on is refused.
func TestANodeIsAwayWithALease(t *testing.T) {
	t.Parallel()
	points := []string{"issue.intent-recorded", "issue.signed", "order.before-commit", "issue.recorded", "look.before-commit", "step.claimed", "key.before-commit"}
	random := seeded(t, "a node is away")
	w := newWorld(t, chancery.LocalIssuer)
	p := w.newPlace(t, postgres)
	other := filepath.Join(filepath.Dir(p.path), "e")
	one := [2]*instance{p.launchIn(t, p.path), p.launchIn(t, other)}
	for _, node := range one {
		node.listening(t)
	}
	crowd := p.newCrowd(t, random)
	overtaken, frozen := 0, 0
	var worst time.Duration
	for round := range rounds(4, 30) {
		point := points[round%len(points)]
		if round%4 == 3 {
			worst = max(worst, p.killOne(t, crowd, random, &one, point))
			continue
		}
		took, late := p.freezeOne(t, crowd, point)
		worst, frozen, overtaken = max(worst, took), frozen+1, overtaken+late
	}
	crowd.end(t)
	t.Logf("%d times a node was frozen, and %d late commits refused; %d orders; at work again after %v at the most",
		frozen, overtaken, len(crowd.all()), worst.Round(10*time.Millisecond))
}

// killOne has the node that reaches the point die, and starts it again.
func (p *place) killOne(t *testing.T, crowd *crowd, random *rand.Rand, nodes *[2]*instance, point string) time.Duration {
	t.Helper()
	p.arm(t, point, 1+random.IntN(3))
	var dead int
	select {
	case <-nodes[0].ended:
	case <-nodes[1].ended:
		dead = 1
	case <-time.After(patience):
		t.Fatalf("the point %s was not reached within %s", point, patience)
	}
	nodes[dead].awaitDeath(t, point)
	p.buried(nodes[dead])
	back := crowd.working(t, time.Now())
	nodes[dead] = p.launchIn(t, []string{p.path, filepath.Join(filepath.Dir(p.path), "e")}[dead])
	nodes[dead].listening(t)
	return back
}

// freezeOne stops the node that reaches the point, and lets it go on once all that
// was in hand is another's. It tells how long until somebody who came meanwhile had a
// certificate, and how many commits of the node were refused.
func (p *place) freezeOne(t *testing.T, crowd *crowd, point string) (back time.Duration, refused int) {
	t.Helper()
	before := map[*instance]int{}
	for _, node := range p.running() {
		before[node] = node.refused(t)
	}
	if err := failpoint.Arm(p.failpoints, point, 1, failpoint.Freeze); err != nil {
		t.Fatal(err)
	}
	node := p.whoActed(t, point)
	node.frozen.Store(true)
	defer func() { _ = node.cmd.Process.Signal(syscall.SIGCONT) }()
	back = crowd.working(t, time.Now())
	// Longer than a lease, and until the other one has had all that was leased.
	const lease = 8 * time.Second
	time.Sleep(lease + time.Second)
	for began := time.Now(); p.count(t, "SELECT COUNT(*) FROM steps WHERE lease_until > 0 AND lease_until < now_ms()") > 0; time.Sleep(50 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("a lease that ran out is still there after %v", patience)
		}
	}
	if err := node.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	node.frozen.Store(false)
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if refused = node.refused(t) - before[node]; refused > 0 {
			return back, refused
		}
		if time.Since(began) > patience {
			t.Fatalf("%v after the node went on, nothing that it had in hand at %s was refused", patience, point)
		}
	}
}

// whoActed waits for the node that a point stops.
func (p *place) whoActed(t *testing.T, point string) *instance {
	t.Helper()
	for began := time.Now(); time.Since(began) < patience; time.Sleep(10 * time.Millisecond) {
		text, err := os.ReadFile(failpoint.Acted(p.failpoints))
		pid, _ := strconv.Atoi(string(text))
		if err != nil || pid == 0 {
			continue
		}
		for _, node := range p.running() {
			if node.cmd.Process.Pid == pid {
				return node
			}
		}
	}
	t.Fatalf("the point %s was not reached within %s", point, patience)
	return nil
}

// refused counts the steps whose commit was refused since another node has them.
func (i *instance) refused(t *testing.T) (count int) {
	t.Helper()
	response, err := (&http.Client{Timeout: patience}).Get(i.metrics + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		if strings.HasPrefix(name, "chancery_steps_total") && strings.Contains(name, `outcome="overtaken"`) {
			n, _ := strconv.Atoi(value)
			count += n
		}
	}
	return count
}
