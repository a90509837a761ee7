package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/pgtest"
	"chancery/signature"
)

// create is the call whose repetition could cost a second unit.
func create(who tenant, scheme signature.Scheme, parameters map[string]string) call {
	c := call{action: "CreateCertificateRequest", key: who.key, scheme: scheme, format: "JSON", parameters: parameters}
	if scheme == signature.V3 {
		c.method = "POST"
	}
	return c
}

// with gives the parameters one more.
func with(parameters map[string]string, name, value string) map[string]string {
	more := maps.Clone(parameters)
	more[name] = value
	return more
}

// opened sends an application and gives its order.
func (c call) opened(t testing.TB, s *service) int64 {
	t.Helper()
	made := c.do(t, s)
	made.expect(t, 200, "")
	return made.OrderId
}

// The same application again is the same order, while that order is open.
func TestRepeatedApplications(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 10)
	same := application("again.example.test", "DNS")
	first := create(who, signature.V1, same).opened(t, s)
	if again := create(who, signature.V3, same).opened(t, s); again != first {
		t.Errorf("the same application is order %d and order %d", first, again)
	}
	expectUsed(t, who, 1)
	if other := create(who, signature.V1, with(same, "Phone", "13900002222")).opened(t, s); other == first {
		t.Errorf("another application got the same order %d", other)
	}
	expectUsed(t, who, 2)
	if stranger := create(s.tenant(t, chancery.DefaultProduct, 1), signature.V1, same).opened(t, s); stranger == first {
		t.Errorf("another account got the same order %d", stranger)
	}

	if err := who.CancelOrderRequest(soon(t), cas.OrderInput{OrderId: first}); err != nil {
		t.Fatal(err)
	}
	second := create(who, signature.V1, same).opened(t, s)
	if second == first {
		t.Errorf("the withdrawn order %d was given again", first)
	}
	expectUsed(t, who, 3)
	if again := create(who, signature.V1, same).opened(t, s); again != second {
		t.Errorf("the same application is order %d and order %d", second, again)
	}
	expectUsed(t, who, 3)
}

// A client token names its order, whatever became of it, and no other.
func TestClientToken(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	who := s.tenant(t, chancery.DefaultProduct, 10)
	named := with(application("token.example.test", "DNS"), "ClientToken", "one intention")
	first := create(who, signature.V1, named).opened(t, s)
	if again := create(who, signature.V3, named).opened(t, s); again != first {
		t.Errorf("the token names order %d and order %d", first, again)
	}
	create(who, signature.V1, with(named, "Domain", "other.example.test")).do(t, s).expect(t, 400, "IdempotentParameterMismatch")
	if other := create(who, signature.V1, with(named, "ClientToken", "another one")).opened(t, s); other == first {
		t.Errorf("another token got the same order %d", other)
	}
	expectUsed(t, who, 2)
	if err := who.CancelOrderRequest(soon(t), cas.OrderInput{OrderId: first}); err != nil {
		t.Fatal(err)
	}
	if again := create(who, signature.V1, named).opened(t, s); again != first {
		t.Errorf("after its order was withdrawn the token names order %d, not %d", again, first)
	}
	s.kill()
	s.launch(t)
	if again := create(who, signature.V1, named).opened(t, s); again != first {
		t.Errorf("after a crash the token names order %d, not %d", again, first)
	}
}

// With --repeat-window 0 every application is an order.
func TestRepeatWindowOff(t *testing.T) {
	t.Parallel()
	s := startLight(t, "--repeat-window", "0")
	who := s.tenant(t, chancery.DefaultProduct, 10)
	same := application("twice.example.test", "DNS")
	if first, second := create(who, signature.V1, same).opened(t, s), create(who, signature.V1, same).opened(t, s); first == second {
		t.Errorf("both applications got order %d", first)
	}
	expectUsed(t, who, 2)
}

// A connection is cut after the service opened the order and before the client
// heard of it. The client sends again, and there is one order and one debit.
func TestCutConnection(t *testing.T) {
	t.Parallel()
	s := startLight(t)
	for name, apply := range map[string]func(t *testing.T, through *service, who tenant){
		"official client": func(t *testing.T, through *service, who tenant) {
			o := order{name: "cut.example.test", method: "DNS", who: who}
			checkQuota(t, official("legacy", "", "CHANCERY_RETRY=1")(t, through, o))
		},
		"own client": func(t *testing.T, through *service, who tenant) {
			tenant{Client: through.client(t, who.key)}.apply(t, "own-cut.example.test", "DNS")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			who := s.tenant(t, chancery.DefaultProduct, 2)
			c := startCutter(t, s, "CreateCertificateRequest", first)
			through := *s
			through.endpoint = c.url
			apply(t, &through, who)
			if nonces := c.nonces(); len(nonces) != 2 || nonces[0] == nonces[1] {
				t.Errorf("the client was to send twice, with two nonces; the nonces are %q", nonces)
			}
			expectUsed(t, who, 1)
		})
	}
}

// A third of all answers are cut off, some of them in the middle. The official client
// sends again by its own retry what it got no answer to, without a ClientToken; what it
// got half an answer to, its user sends again. An intention is an order, and a unit.
func TestManyCutAnswers(t *testing.T) {
	t.Parallel()
	intentions := map[bool]int{false: 60, true: 500}[torture]
	for name, start := range map[string]func(*testing.T) *service{
		"SQLite": func(t *testing.T) *service { return startLight(t, "--rates", "off") },
		"PostgreSQL": func(t *testing.T) *service {
			url := pgtest.Need(t).Database(t)
			s := newService(t, "--products", file(t, "products.json", lightProducts), "--rates", "off", "--database", url)
			s.operator = []string{"--database", url}
			s.launch(t)
			t.Cleanup(func() { s.examine(t) })
			s.key = s.readCredentials(t, s.credentials())
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			who := s.tenant(t, chancery.DefaultProduct, 2*int64(intentions))
			cuts := map[fate]int{}
			c := startCutter(t, s, "CreateCertificateRequest", func(int) fate {
				one := [...]fate{whole, whole, whole, whole, unsent, half}[rand.IntN(6)]
				cuts[one]++
				return one
			})
			p := spawn(t, []string{
				"CHANCERY_ENDPOINT=" + hostOf(t, c.url), "CHANCERY_INTENTIONS=" + fmt.Sprint(intentions),
				"CHANCERY_ACCESS_KEY_ID=" + who.key.AccessKeyID, "CHANCERY_ACCESS_KEY_SECRET=" + string(who.key.AccessKeySecret),
			}, filepath.Join(goClients, "repeat"))
			if status := p.wait(t, 4*patience); status != 0 {
				t.Errorf("the client ended with status %d\n%s", status, p.stderr)
			}
			orders, byHand := map[string]bool{}, 0
			for text := range strings.Lines(p.stdout.String()) {
				var made struct {
					OrderID string `json:"orderId"`
					Calls   int    `json:"calls"`
				}
				if err := json.Unmarshal([]byte(text), &made); err != nil {
					t.Fatal(err)
				}
				orders[made.OrderID] = true
				byHand += made.Calls - 1
			}
			nonces := c.nonces()
			t.Logf("%d orders for %d intentions, which were sent %d times; %d answers were cut off, %d in the middle; the client gave up %d calls", len(orders), intentions, len(nonces), cuts[unsent], cuts[half], byHand)
			if len(orders) != intentions || len(nonces) <= intentions || cuts[unsent] == 0 || cuts[half] == 0 {
				t.Error("an intention has no order of its own, or too little was cut off")
			}
			expectUsed(t, who, int64(intentions))
		})
	}
}

func expectUsed(t *testing.T, who tenant, want int64) {
	t.Helper()
	if got := who.quota(t, chancery.DefaultProduct); got.Used != want {
		t.Errorf("%v, want %d used", got, want)
	}
}
