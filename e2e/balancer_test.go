package e2e

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"chancery"
	"chancery/signature"
)

// startBalancer runs HAProxy with the configuration of packaging/compose before
// nodes, which take the places of those that it names there. status is the URL of
// its own health.
func startBalancer(t testing.TB, nodes ...*service) (endpoint, status string) {
	t.Helper()
	const haproxy = "/usr/sbin/haproxy" // which not everybody's PATH has
	if _, err := os.Stat(haproxy); err != nil {
		if os.Getenv("CHANCERY_TEST_ALL") == "1" {
			t.Fatal(err)
		}
		t.Skip("HAProxy is not installed; `make test` installs it")
	}
	text, err := os.ReadFile(filepath.Join("..", "packaging", "compose", "haproxy.cfg"))
	if err != nil {
		t.Fatal(err)
	}
	api, own := freeAddress(t), freeAddress(t)
	config := string(text)
	place := func(pattern, with string) {
		t.Helper()
		found := regexp.MustCompile("(?m)" + pattern)
		if len(found.FindAllString(config, -1)) != 1 {
			t.Fatalf("the configuration has not one %q", pattern)
		}
		config = found.ReplaceAllString(config, with)
	}
	place(`bind :8280$`, "bind "+api)
	place(`bind :8404$`, "bind "+own)
	for i, node := range nodes {
		_, health, _ := net.SplitHostPort(hostOf(t, node.metrics))
		place(fmt.Sprintf(`server node%d node%[1]d:8280$`, i+1), fmt.Sprintf("server node%d %s check port %s", i+1, hostOf(t, node.endpoint), health))
	}
	p := spawn(t, nil, haproxy, "-db", "-f", file(t, "haproxy.cfg", config))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the balancer says:\n%s%s", tail(p.stdout.String(), 4<<10), tail(p.stderr.String(), 4<<10))
		}
	})
	eventually(t, "the balancer listens", func() bool {
		conn, err := net.Dial("tcp", api)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	})
	return "http://" + api, "http://" + own
}

// freeAddress is one that nobody listens on at the moment.
func freeAddress(t testing.TB) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

// keepAddresses has a node listen where it does now when it is started again.
func (s *service) keepAddresses(t testing.TB) {
	s.set("--listen", hostOf(t, s.endpoint))
	s.set("--metrics-listen", hostOf(t, s.metrics))
}

// callers call without pause until end, and count outcomes that were no answer of
// the operation.
type callers struct {
	stop chan struct{}
	all  sync.WaitGroup

	mu       sync.Mutex
	answered int
	failed   map[string]int // guarded by mu
}

func startCallers(t testing.TB, endpoint string, key signature.Credentials) *callers {
	c := &callers{stop: make(chan struct{}), failed: map[string]int{}}
	t.Cleanup(func() { c.end() })
	for range 4 {
		c.all.Go(func() {
			for {
				select {
				case <-c.stop:
					return
				default:
				}
				// GET, which balancers hold for safe to send again: here it is not.
				answer, err := call{action: "DescribePackageState", key: key, format: "JSON"}.sign(t, endpoint).try(t, endpoint)
				c.mu.Lock()
				switch {
				case err != nil:
					c.failed[err.Error()]++
				case answer.status != 200:
					c.failed[fmt.Sprint(answer.status, answer.Code)]++
				default:
					c.answered++
				}
				c.mu.Unlock()
			}
		})
	}
	return c
}

// sofar gives what happened since it was asked last.
func (c *callers) sofar() (answered int, failed map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	answered, failed = c.answered, c.failed
	c.answered, c.failed = 0, map[string]int{}
	return answered, failed
}

func (c *callers) end() {
	select {
	case <-c.stop:
	default:
		close(c.stop)
	}
	c.all.Wait()
}

// Three nodes behind the balancer that the repository recommends: one is stopped as
// an upgrade does it, and no caller notices; one is killed, and only what it had in
// hand fails; and an official client gets its certificate with what is left.
func TestBehindTheBalancer(t *testing.T) {
	t.Parallel()
	one, two := startTwo(t)
	// As in the compose file: the balancer turns away before connections are refused.
	three := &service{dir: filepath.Join(t.TempDir(), "data"), dns: one.dns, web: one.web, operator: one.operator, key: one.key}
	three.flags = append(append([]string{}, one.flags...), "--stop-delay", "8s")
	three.set("--data-dir", three.dir)
	three.launch(t)
	t.Cleanup(func() { three.examine(t) })
	two.keepAddresses(t)
	endpoint, status := startBalancer(t, one, two, three)
	front := &service{dns: one.dns, web: one.web, endpoint: endpoint, key: one.key}
	ready := func(nodes int) func() bool {
		return func() bool {
			_, text := get(t, status+"/metrics")
			return strings.Contains(text, fmt.Sprintf("haproxy_backend_active_servers{proxy=\"nodes\"} %d", nodes))
		}
	}
	eventually(t, "all nodes are ready", ready(3))
	who := one.tenant(t, chancery.DefaultProduct, 5)
	who.Client = front.client(t, who.key)

	long := call{action: "DescribePackageState", key: who.key, format: "JSON", parameters: map[string]string{"Tags": strings.Repeat("x", 100<<10)}}
	if answer := long.do(t, front); answer.status != 200 {
		t.Errorf("a request of 100 KB is answered with HTTP %d %s", answer.status, answer.Code)
	}

	calls := startCallers(t, endpoint, who.key)
	three.stop(t)
	eventually(t, "the balancer has turned away", ready(2))
	if answered, failed := calls.sofar(); len(failed) > 0 || answered == 0 {
		t.Errorf("while a node was stopped %d calls were answered, and these failed: %v", answered, failed)
	}
	two.kill()
	eventually(t, "the balancer has noticed", ready(1))
	answered, failed := calls.sofar()
	t.Logf("when a node was killed %d calls were answered, and these failed: %v", answered, failed)
	for what, times := range failed {
		// No second node was asked: the nonce would have been refused there.
		if what != "502" || times > 4 {
			t.Errorf("%d calls failed with %s", times, what)
		}
	}
	openAPI.apply(t, front, order{name: "www.balancer.test", method: "DNS", who: who})
	if answered, failed := calls.sofar(); len(failed) > 0 || answered == 0 {
		t.Errorf("on one node %d calls were answered, and these failed: %v", answered, failed)
	}
	two.launch(t)
	eventually(t, "the balancer has taken the node back", ready(2))
	calls.end()
	if _, failed := calls.sofar(); len(failed) > 0 {
		t.Errorf("when a node came back these failed: %v", failed)
	}
}
