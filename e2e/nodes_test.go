package e2e

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/ca"
	"chancery/cas"
	"chancery/client"
	"chancery/internal/pgtest"
	"chancery/internal/zone"
	"chancery/keyring"
	"chancery/signature"
)

// startTwo starts two nodes at once on an empty PostgreSQL database. They share the
// surroundings of the first.
func startTwo(t testing.TB, flags ...string) (one, other *service) {
	t.Helper()
	url := pgtest.Need(t).Database(t)
	key := filepath.Join(t.TempDir(), "keyring.key")
	if err := keyring.CreateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	shared := []string{"--database", url, "--keyring-key-file", key}
	one = newService(t, append([]string{"--products", file(t, "products.json", lightProducts), "--rates", "off"}, append(flags, shared...)...)...)
	other = &service{dir: filepath.Join(t.TempDir(), "data"), dns: one.dns, web: one.web, operator: shared}
	one.operator = shared
	other.flags = append([]string{}, one.flags...)
	credentials := [2]string{one.credentials(), filepath.Join(t.TempDir(), "credentials.json")}
	other.set("--data-dir", other.dir)
	other.set("--credentials-out", credentials[1])

	one.spawn(t)
	other.spawn(t)
	one.listening(t)
	other.listening(t)
	for _, s := range []*service{one, other} {
		t.Cleanup(func() { s.examine(t) })
	}
	made := 0
	for i, s := range []*service{one, other} {
		eventually(t, "the node is ready", func() bool { status, _ := get(t, s.metrics+"/readyz"); return status == 200 })
		if _, err := os.Stat(credentials[i]); err == nil {
			made++
			one.key = s.readCredentials(t, credentials[i])
		}
	}
	if other.key = one.key; made != 1 {
		t.Fatalf("%d nodes made the first account", made)
	}
	return one, other
}

// What a first start makes is there once, whichever node was first.
func TestNodesStartAtOnce(t *testing.T) {
	t.Parallel()
	one, other := startTwo(t)
	for _, s := range []*service{one, other} {
		var accounts []admin.Account
		s.operate(t, &accounts, "account", "list")
		if len(accounts) != 1 {
			t.Errorf("there are the accounts %v", accounts)
		}
	}
	_, root := get(t, one.endpoint+"/ca/root.pem")
	_, same := get(t, other.endpoint+"/ca/root.pem")
	if root != same || root == "" {
		t.Error("the nodes have different CAs")
	}
	// Both publish CRLs from the start: the one that is stored is the one that both show.
	block, _ := pem.Decode([]byte(root))
	if block == nil {
		t.Fatal("the root is not PEM")
	}
	path := "/ca/" + ca.ID(block.Bytes) + ".crl"
	_, list := get(t, one.endpoint+path)
	_, listThere := get(t, other.endpoint+path)
	parsed, err := x509.ParseRevocationList([]byte(list))
	if list != listThere || err != nil || parsed.Number.Int64() != 1 {
		t.Errorf("the nodes show different CRLs, or not the first: %v, %v", parsed, err)
	}
	other.stop(t)
	// Directly on the database, when no node runs there.
	var plans []admin.Plan
	other.operate(t, &plans, "plan", "list")
	if len(plans) != 1 {
		t.Errorf("there are the plans %v", plans)
	}
}

// Any node serves any request.
func TestAnyNodeWillDo(t *testing.T) {
	t.Parallel()
	one, other := startTwo(t)
	who := one.tenant(t, chancery.DefaultProduct, 3)
	order := who.apply(t, "www.nodes.test", "DNS")
	there := who
	there.Client = other.client(t, who.key)
	state := there.state(t, order)
	one.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	if state := there.issued(t, order); state.Certificate == "" || state.PrivateKey == "" {
		t.Errorf("the other node answers %+v", state)
	}

	read := call{action: "DescribePackageState", key: who.key, scheme: signature.V1, format: "JSON"}.sign(t, one.endpoint)
	read.send(t, one.endpoint).expect(t, 200, "")
	read.send(t, other.endpoint).expect(t, 400, "SignatureNonceUsed")

	in := cas.CreateCertificateRequestInput{
		Username: "Tom", Phone: "13900001111", Email: "ops@example.com", Domain: "token.nodes.test", ValidateType: "DNS",
		ClientToken: "the same at both",
	}
	const calls = 16
	orders, errs := atOnce(calls, func(i int) (int64, error) {
		out, err := []tenant{who, there}[i%2].CreateCertificateRequest(soon(t), in)
		if err != nil {
			return 0, err
		}
		return out.OrderId, nil
	})
	for i := range calls {
		if errs[i] != nil || orders[i] != orders[0] {
			t.Errorf("call %d gave %d, %v; call 0 %d", i, orders[i], errs[i], orders[0])
		}
	}
	if got, want := who.quota(t, ""), (quota{3, 2, 1, chancery.DefaultProduct}); got != want {
		t.Errorf("quota %v, want %v", got, want)
	}
}

func atOnce(n int, call func(int) (int64, error)) ([]int64, []error) {
	orders, errs := make([]int64, n), make([]error, n)
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-begin
			orders[i], errs[i] = call(i)
		})
	}
	close(begin)
	all.Wait()
	return orders, errs
}

// However many apply at two nodes, a plan gives what it has.
func TestQuotaOnTwoNodes(t *testing.T) {
	t.Parallel()
	const units, applicants = 50, 500
	rounds := map[bool]int{false: 2, true: 50}[torture]
	one, other := startTwo(t)
	one.overloaded, other.overloaded = true, true
	for round := range rounds {
		who := one.tenant(t, "single", units)
		clients := []*client.Client{who.Client, other.client(t, who.key)}
		began := time.Now()
		orders, errs := atOnce(applicants, func(i int) (int64, error) {
			in := cas.CreateCertificateRequestInput{
				Username: "Tom", Phone: "13900001111", Email: "ops@example.com",
				Domain: fmt.Sprintf("n%d.quota.test", i), ValidateType: "DNS", ProductCode: "single",
				ClientToken: rand.Text(),
			}
			out, err := clients[i%2].CreateCertificateRequest(t.Context(), in)
			for again := 0; again < 20 && busy(err); again++ { // 500 in a row for one account wait long on a busy machine
				time.Sleep(time.Second)
				out, err = clients[i%2].CreateCertificateRequest(t.Context(), in)
			}
			if err != nil {
				return 0, err
			}
			return out.OrderId, nil
		})
		t.Logf("round %d took %v", round, time.Since(began))
		distinct, refused, others := map[int64]bool{}, 0, map[string]int{}
		for i, err := range errs {
			var e *client.Error
			switch {
			case err == nil:
				distinct[orders[i]] = true
			case errors.As(err, &e) && e.Code == "NotRemainCount":
				refused++
			default:
				others[err.Error()]++
			}
		}
		if len(distinct) != units || refused != applicants-units {
			t.Errorf("%d orders and %d refusals, want %d and %d; besides %v", len(distinct), refused, units, applicants-units, others)
		}
		if got, want := who.quota(t, "single"), (quota{units, units, 0, "single"}); got != want {
			t.Errorf("quota %v, want %v", got, want)
		}
	}
}

// busy tells whether the service asked to be called again.
func busy(err error) bool {
	var e *client.Error
	return errors.As(err, &e) && e.Status == http.StatusServiceUnavailable
}

// A node that is killed leaves its steps leased; the other takes them once the
// leases have run out, within 10 s, and every order is issued once.
func TestANodeIsKilledAtWork(t *testing.T) {
	t.Parallel()
	const count = 10
	one, other := startTwo(t)
	who := one.tenant(t, chancery.DefaultProduct, count)
	there := who
	there.Client = other.client(t, who.key)
	var orders []int64
	for i := range count {
		order := who.apply(t, fmt.Sprintf("n%d.killed.test", i), "DNS")
		state := there.state(t, order)
		one.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
		orders = append(orders, order)
	}
	one.kill()
	killed := time.Now()
	const free, more = 10 * time.Second, 20 * time.Second // what is promised, and for a machine that is busy
	for _, order := range orders {
		for there.state(t, order).Type != string(chancery.Issued) {
			if time.Since(killed) > free+more {
				t.Fatalf("order %d is not issued %v after the node was killed", order, time.Since(killed))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	t.Logf("all were issued %v after the node was killed", time.Since(killed))
	one.launch(t)
}

// What a node has in hand when it is killed is leased to it; another, which was idle,
// begins it within 10 s.
func TestWhatADeadNodeHadInHandGoesOn(t *testing.T) {
	t.Parallel()
	const count, free, more = 3, 10 * time.Second, 20 * time.Second
	one, other := startTwo(t)
	other.stop(t)
	who := one.tenant(t, chancery.DefaultProduct, count)
	var orders []int64
	for i := range count {
		name := fmt.Sprintf("n%d.in-hand.test", i)
		one.dns.Fault("_dnsauth."+name, zone.Silent) // whoever looks there waits for 10 s
		order := who.apply(t, name, "DNS")
		state := who.state(t, order)
		one.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
		orders = append(orders, order)
	}
	for _, order := range orders {
		eventually(t, "a look at the proof is in hand", func() bool {
			var steps []admin.Step
			one.operate(t, &steps, "steps", "list", "--order", fmt.Sprint(order))
			return slices.ContainsFunc(steps, func(s admin.Step) bool { return s.Kind == chancery.AdvanceOrder && s.Attempts == 1 })
		})
	}
	other.launch(t)
	one.kill()
	killed := time.Now()
	for i := range count {
		one.dns.Fault(fmt.Sprintf("_dnsauth.n%d.in-hand.test", i), zone.None)
	}
	there := who
	there.Client = other.client(t, who.key)
	for _, order := range orders {
		for there.state(t, order).Type != string(chancery.Issued) {
			if time.Since(killed) > free+more {
				t.Fatalf("order %d is not issued %v after the node was killed", order, time.Since(killed))
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
	t.Logf("all were issued %v after the node was killed", time.Since(killed))
	one.launch(t)
}

// A schema that was made apart is one that a node starts on, and one with another key
// does not join.
func TestMigrateApart(t *testing.T) {
	t.Parallel()
	url := pgtest.Need(t).Database(t)
	for range 2 {
		done := finish(t, nil, program, "migrate", "--data-dir", t.TempDir(), "--database", url)
		if done.status != 0 || done.stdout != "the schema is up to date\n" {
			t.Fatalf("migrate ended with status %d\n%s%s", done.status, done.stdout, done.stderr)
		}
	}
	key, another := filepath.Join(t.TempDir(), "a.key"), filepath.Join(t.TempDir(), "b.key")
	for _, path := range []string{key, another} {
		if err := keyring.CreateKeyFile(path); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, "--database", url, "--keyring-key-file", key, "--products", file(t, "products.json", lightProducts))
	s.operator = []string{"--database", url, "--keyring-key-file", key}
	stranger := finish(t, nil, program, "serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0", "--metrics-listen", "off",
		"--database", url, "--keyring-key-file", another)
	if stranger.status != 1 || !strings.Contains(stranger.stderr, "--keyring-key-file") {
		t.Errorf("a node with another key ended with status %d\n%s", stranger.status, stranger.stderr)
	}
	second := finish(t, nil, program, "serve", "--data-dir", s.dir, "--listen", "127.0.0.1:0", "--metrics-listen", "off",
		"--database", url, "--keyring-key-file", key)
	if second.status != 1 || !strings.Contains(second.stderr, "another process uses this data directory") {
		t.Errorf("a second node on the data directory ended with status %d\n%s", second.status, second.stderr)
	}
}
