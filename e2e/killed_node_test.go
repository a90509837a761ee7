package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chancery"
)

// balancer passes connections on to nodes by turns, as one does that knows TCP alone: a
// connection that cannot be made goes to the next node, one that breaks is broken.
type balancer struct {
	listener net.Listener
	open     sync.WaitGroup
	turn     atomic.Int64

	mu    sync.Mutex // guards nodes
	nodes []string   // host:port
}

func startTCPBalancer(t *testing.T, nodes ...*service) *balancer {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{listener: listener, nodes: make([]string, len(nodes))}
	for i, s := range nodes {
		b.set(t, i, s)
	}
	b.open.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			b.open.Go(func() { b.carry(conn) })
		}
	})
	t.Cleanup(func() { _ = listener.Close(); b.open.Wait() })
	return b
}

// set tells where a node listens.
func (b *balancer) set(t *testing.T, i int, s *service) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	b.nodes[i] = hostOf(t, s.endpoint)
}

func (b *balancer) next() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.nodes[b.turn.Add(1)%int64(len(b.nodes))]
}

// carry ends with the first of both sides that does.
func (b *balancer) carry(client net.Conn) {
	defer func() { _ = client.Close() }()
	for range b.nodes {
		node, err := net.Dial("tcp", b.next())
		if err != nil {
			continue
		}
		var there sync.WaitGroup
		there.Go(func() {
			_, _ = io.Copy(node, client)
			_ = node.Close()
		})
		_, _ = io.Copy(client, node)
		_ = client.Close()
		there.Wait()
		return
	}
}

// killing kills a node two seconds after it serves again, and so on until stop, which
// leaves it running.
func (b *balancer) killing(t *testing.T, i int, s *service) (stop func() (times int)) {
	t.Helper()
	ctx, cancel := context.WithCancel(lifetime)
	t.Cleanup(cancel)
	times := make(chan int, 1)
	go func() {
		n := 0
		defer func() { times <- n }()
		for ctx.Err() == nil && !t.Failed() {
			s.kill()
			n++
			s.launch(t)
			b.set(t, i, s)
			select {
			case <-time.After(2 * time.Second):
			case <-ctx.Done():
			}
		}
	}()
	return func() int {
		cancel()
		return <-times
	}
}

// One of two nodes is killed all the time, whatever it has in hand. Official clients get
// their certificates with their own retry, where it knows of broken connections; the two
// whose retry does not, or who have none, are called again by their user.
func TestClientsWhileANodeIsKilled(t *testing.T) {
	t.Parallel()
	rounds := map[bool]int{false: 1, true: 8}[torture]
	one, other := startTwo(t, "--dcv-dns-port", "1", "--issuer", "single=pebble")
	ca := startPebble(t, one)
	root, err := ca.Root(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	_, text := get(t, one.endpoint+"/ca/root.pem")
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		t.Fatal("the root is not PEM")
	}
	own, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	needNode(t)

	type journey struct {
		client applicant
		order
		root *x509.Certificate
	}
	var journeys []journey
	for n := range rounds {
		for i, client := range persistentApplicants() {
			for _, method := range []string{"DNS", "FILE"} {
				for product, root := range map[string]*x509.Certificate{chancery.DefaultProduct: own, "single": root} {
					name := fmt.Sprintf("c%d-%d.%s.%s.test", i, n, strings.ToLower(method), product)
					journeys = append(journeys, journey{client, order{name: name, method: method, product: product, who: one.tenant(t, product, 2), patience: pollSeconds * time.Second}, root})
				}
			}
		}
	}
	b := startTCPBalancer(t, one, other)
	through := &service{endpoint: "http://" + b.listener.Addr().String(), dns: one.dns, web: one.web}
	stop := b.killing(t, 1, other)
	const atOnce = 4
	free := make(chan struct{}, atOnce)
	began := time.Now()
	t.Run("journeys", func(t *testing.T) {
		for _, j := range journeys {
			t.Run(j.client.name+" "+j.name, func(t *testing.T) {
				t.Parallel()
				free <- struct{}{}
				defer func() { <-free }()
				all := j.client.apply(t, through, j.order)
				verifyUnder(t, j.root, j.name, all.certificate)
				if _, err := tls.X509KeyPair([]byte(all.certificate), []byte(all.privateKey)); err != nil {
					t.Errorf("the private key: %v", err)
				}
				if all.after.Used != 1 || all.after.Issued != 1 || all.unknown.Code != "NotFoundOrder" {
					t.Errorf("the quota is %v, and an unknown order %+v", all.after, all.unknown)
				}
			})
		}
	})
	t.Logf("%d journeys in %v, and %d kills", len(journeys), time.Since(began).Round(time.Second), stop())
}

// pollSeconds is how long an applicant waits for its certificate: steps of a killed node
// wait for their lease.
const pollSeconds = 200

// persistentApplicants are the official clients with what retries they have.
func persistentApplicants() []applicant {
	poll := fmt.Sprintf("CHANCERY_POLL_SECONDS=%d", pollSeconds)
	return []applicant{
		{"Go legacy, its own retry", official("legacy", "", poll, "CHANCERY_RETRY=1"), needNothing},
		{"cas20200407, its own retry", official("node", "clients/node/cas20200407.js", poll, "CHANCERY_RETRY=1"), needNode},
		{"Go openapi, called again", official("openapi", "", poll, "CHANCERY_RETRY=1", "CHANCERY_AGAIN=8"), needNothing},
		{"pop-core, called again", official("node", "clients/node/pop-core.js", poll, "CHANCERY_AGAIN=8"), needNode},
	}
}
