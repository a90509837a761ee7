package e2e

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chancery"
	"chancery/ca"
	"chancery/cas"
	"chancery/internal/pgtest"
	"chancery/signature"
)

// load applies for certificates until it is ended, and publishes their proofs.
type load struct {
	mu     sync.Mutex // guards orders
	orders []int64    // that were acknowledged
	done   chan struct{}
	all    sync.WaitGroup
}

func (s *service) load(t testing.TB, clients ...tenant) *load {
	t.Helper()
	l := &load{done: make(chan struct{})}
	for i, who := range clients {
		l.all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-l.done:
					return
				case <-time.After(20 * time.Millisecond):
				}
				order := who.apply(t, fmt.Sprintf("n%d-%d.load.test", i, n), "DNS")
				state := who.state(t, order)
				s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
				l.mu.Lock()
				l.orders = append(l.orders, order)
				l.mu.Unlock()
			}
		})
	}
	return l
}

// acknowledged gives the orders that were by now, once there are so many.
func (l *load) acknowledged(t testing.TB, least int) (orders []int64) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d orders are there", least), func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		orders = slices.Clone(l.orders)
		return len(orders) >= least
	})
	return orders
}

func (l *load) end() {
	close(l.done)
	l.all.Wait()
}

// crl fetches the CRL of whoever issued a certificate.
func (s *service) crl(t testing.TB, fullchain string) *x509.RevocationList {
	t.Helper()
	_, rest := pem.Decode([]byte(fullchain))
	issuer, _ := pem.Decode(rest)
	if issuer == nil {
		t.Fatal("the chain has no issuer")
	}
	_, body := get(t, s.endpoint+"/ca/"+ca.ID(issuer.Bytes)+".crl")
	list, err := x509.ParseRevocationList([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (who tenant) revoke(t testing.TB, order int64) {
	t.Helper()
	if err := who.CancelCertificateForPackageRequest(soon(t), cas.CancelCertificateForPackageRequestInput{OrderId: order}); err != nil {
		t.Fatal(err)
	}
}

// inPlaceOf is a service on restored data, among the same surroundings.
func (s *service) inPlaceOf(t testing.TB) *service {
	t.Helper()
	restored := &service{dir: filepath.Join(t.TempDir(), "data"), dns: s.dns, web: s.web, key: s.key, flags: slices.Clone(s.flags)}
	restored.set("--data-dir", restored.dir)
	restored.set("--credentials-out", filepath.Join(t.TempDir(), "none.json"))
	return restored
}

// goesOn starts the service, in which all orders that the copy has must end, and CRLs
// have higher numbers than any that the lost data published.
func (s *service) goesOn(t testing.TB, who tenant, orders []int64, old wire, seen *x509.RevocationList) {
	t.Helper()
	s.launch(t)
	t.Cleanup(func() { s.examine(t) })
	who.Client = s.client(t, who.key)
	var state *cas.DescribeCertificateStateOutput
	for _, order := range orders {
		state = who.issued(t, order)
	}
	old.send(t, s.endpoint).expect(t, 400, "InvalidTimeStamp.Expired")
	who.revoke(t, orders[0])
	list := s.crl(t, state.Certificate)
	if list.Number.Cmp(seen.Number) <= 0 {
		t.Errorf("the CRL has the number %v, and %v was published before", list.Number, seen.Number)
	}
	who.issued(t, func() int64 {
		order := who.apply(t, "after.load.test", "DNS")
		state := who.state(t, order)
		s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
		return order
	}())
}

// before is a request that was answered before the restore.
func (s *service) before(t testing.TB, who tenant) wire {
	t.Helper()
	old := call{action: "DescribePackageState", key: who.key, scheme: signature.V1, format: "JSON", at: time.Now().Add(-5 * time.Second)}.sign(t, s.endpoint)
	old.send(t, s.endpoint).expect(t, 200, "")
	return old
}

// publishesAnother revokes an order after the copy was made, and waits for the CRL that says so.
func (s *service) publishesAnother(t testing.TB, who tenant, order int64) (list *x509.RevocationList) {
	t.Helper()
	state := who.issued(t, order)
	first := s.crl(t, state.Certificate)
	who.revoke(t, order)
	eventually(t, "the CRL has the revocation", func() bool {
		list = s.crl(t, state.Certificate)
		return list.Number.Cmp(first.Number) > 0
	})
	return list
}

// TestBackupOfSQLite: a copy of a service at work, restored once that is gone.
func TestBackupOfSQLite(t *testing.T) {
	t.Parallel()
	s := startLight(t, "--rates", "off")
	who := s.tenant(t, chancery.DefaultProduct, 5000)
	busy := s.load(t, who, who, who, who)
	orders := busy.acknowledged(t, 20)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if done := s.command(t, "backup", copied); done.status != 0 {
		t.Fatalf("backup: %s", done.stderr)
	}
	if info, err := os.Stat(copied); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the copy: %v, %v", info, err)
	}
	busy.end()
	seen := s.publishesAnother(t, who, orders[0])
	old := s.before(t, who)
	s.kill()

	restored := s.inPlaceOf(t)
	if err := os.Mkdir(restored.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	key, err := os.ReadFile(filepath.Join(s.dir, "keyring.key"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(restored.dir, "keyring.key"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	done := restored.command(t, "restore", copied)
	if done.status != 0 || !strings.Contains(done.stdout, "\nclean: ") {
		t.Fatalf("restore ended with status %d:\n%s%s", done.status, done.stdout, done.stderr)
	}
	restored.goesOn(t, who, orders, old, seen)
}

// TestBackupOfPostgres does by PostgreSQL's own programs what the command says.
func TestBackupOfPostgres(t *testing.T) {
	t.Parallel()
	one, other := startTwo(t)
	who := one.tenant(t, chancery.DefaultProduct, 5000)
	there := who
	there.Client = other.client(t, who.key)
	busy := one.load(t, who, there, who, there)
	orders := busy.acknowledged(t, 20)
	refused := one.command(t, "backup", "FILE")
	_, dump, _ := strings.Cut(refused.stderr, "pg_dump ")
	dump, _, _ = strings.Cut("pg_dump "+dump, "\n")
	copied := filepath.Join(t.TempDir(), "copy.dump")
	arguments := strings.Fields(strings.Replace(dump, "FILE", copied, 1))
	run := func(arguments ...string) {
		t.Helper()
		if done := finish(t, nil, "/usr/lib/postgresql/15/bin/"+arguments[0], arguments[1:]...); done.status != 0 {
			t.Fatalf("%v ended with status %d: %s", arguments, done.status, done.stderr)
		}
	}
	run(arguments...)
	busy.end()
	seen := one.publishesAnother(t, who, orders[0])
	old := one.before(t, who)
	one.stop(t)
	other.stop(t)

	empty := pgtest.Need(t).Database(t)
	restored := one.inPlaceOf(t)
	restored.operator = []string{"--database", empty, "--keyring-key-file", one.operator[3]}
	restored.set("--database", empty)
	if done := restored.command(t, "restore"); done.status != 1 || !strings.Contains(done.stderr, "pg_restore") {
		t.Errorf("an empty database is restored: %s%s", done.stdout, done.stderr)
	}
	empty2 := pgtest.Need(t).Database(t)
	restored.operator[1] = empty2
	restored.set("--database", empty2)
	run("pg_restore", "--exit-on-error", "--no-owner", "--dbname="+empty2, copied)
	done := restored.command(t, "restore")
	if done.status != 0 || !strings.Contains(done.stdout, "\nclean: ") {
		t.Fatalf("restore ended with status %d:\n%s%s", done.status, done.stdout, done.stderr)
	}
	restored.goesOn(t, who, orders, old, seen)
}

// TestRotationAmongNodes: orders go on while keys are rotated, a node is frozen meanwhile,
// and another one is killed.
func TestRotationAmongNodes(t *testing.T) {
	t.Parallel()
	one, other := startTwo(t)
	who := one.tenant(t, chancery.DefaultProduct, 5000)
	there := who
	there.Client = other.client(t, who.key)
	busy := one.load(t, who, there)
	busy.acknowledged(t, 10)
	settle := func() {
		t.Helper()
		eventually(t, "everything is sealed anew", func() bool {
			var status struct {
				Resealing bool
				Left      int64
			}
			one.operate(t, &status, "keyring", "status")
			return !status.Resealing && status.Left == 0
		})
	}
	for range 2 {
		var rotated struct{ Fresh string }
		one.operate(t, &rotated, "keyring", "rotate")
		settle()
	}
	busy.end()
	orders := busy.acknowledged(t, 10)
	for i, order := range orders {
		[]tenant{who, there}[i%2].issued(t, order)
	}
	var rotated struct{ Fresh string }
	other.operate(t, &rotated, "keyring", "rotate")
	other.kill()
	who.issued(t, orders[0])
	other.launch(t)
	there.Client = other.client(t, who.key)
	there.issued(t, orders[len(orders)-1])
}
