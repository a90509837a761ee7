package e2e

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/internal/pgtest"
	"chancery/keyring"
)

// A node of a previous version goes on beside a new one, which brings the schema up to
// date under it: orders that are made at either are issued, whichever node has their
// steps in hand, and the doctor of the new version finds the data sound. The old one ends
// well, and is not started again where the schema has changed.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	previous := os.Getenv("CHANCERY_PREVIOUS")
	if previous == "" {
		t.Skip("needs the program of a previous version: `make test-upgrade FROM=<revision>` builds it")
	}
	url := pgtest.Need(t).Database(t)
	key := filepath.Join(t.TempDir(), "keyring.key")
	if err := keyring.CreateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	shared := []string{"--database", url, "--keyring-key-file", key}
	old := newService(t, append([]string{"--products", file(t, "products.json", lightProducts), "--rates", "off"}, shared...)...)
	old.operator, old.binary = shared, previous
	old.launch(t)
	old.key = old.readCredentials(t, old.credentials())
	atOld := old.tenant(t, chancery.DefaultProduct, chancery.MaxGrant)

	next := &service{dir: filepath.Join(t.TempDir(), "data"), dns: old.dns, web: old.web, operator: shared, flags: append([]string{}, old.flags...)}
	next.set("--data-dir", next.dir)
	next.set("--credentials-out", filepath.Join(t.TempDir(), "credentials.json"))

	const each = 40 // orders of a phase
	waits := waitingOrder(t, atOld, "waits.upgrade.test")
	orders(t, old, "before", each, atOld)
	before := schemaOf(t, url)
	next.launch(t)
	t.Cleanup(func() { next.examine(t) })
	atNext := atOld
	atNext.Client = next.client(t, atOld.key)
	for range 3 { // for longer than a lease
		orders(t, old, "beside", each, atOld, atNext)
		time.Sleep(4 * time.Second)
	}
	revoked := orders(t, old, "revoked", 2, atNext, atOld)
	atOld.revoke(t, revoked[0])
	atNext.revoke(t, revoked[1])

	elsewhere := &service{flags: append([]string{}, old.flags...)}
	elsewhere.set("--data-dir", filepath.Join(t.TempDir(), "data"))
	if after := schemaOf(t, url); after > before {
		if done := finish(t, nil, previous, elsewhere.flags...); done.status == 0 || !strings.Contains(done.stderr, "newer schema") {
			t.Errorf("another node of the old version ended with status %d: %s", done.status, done.stderr)
		}
	} else {
		t.Logf("both versions have schema %d, so the old one may be started again", after)
		elsewhere.binary = previous
		elsewhere.launch(t)
		elsewhere.stop(t)
	}
	old.stop(t)
	for line := range strings.Lines(old.stderr.String()) {
		if strings.Contains(line, `"level":"ERROR"`) || strings.Contains(line, "background step failed") {
			t.Errorf("the old node's log has a fault: %s", line)
		}
	}
	orders(t, old, "after", each, atNext)
	old.publish(t, waits.proof)
	atNext.issued(t, waits.order)
	if got, want := atNext.quota(t, "").Used, int64(5*each+2+1-2); got != want { // two were given back
		t.Errorf("%d units are used, not %d", got, want)
	}
}

// schemaOf is the last migration that was applied.
func schemaOf(t testing.TB, url string) (version int64) {
	t.Helper()
	db, err := sql.Open("pgx", url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	if err := db.QueryRow("SELECT MAX(version_id) FROM goose_db_version").Scan(&version); err != nil {
		t.Fatal(err)
	}
	return version
}

// waiting is an order with what proves it.
type waiting struct {
	proof
	order int64
}

func waitingOrder(t *testing.T, who tenant, name string) waiting {
	t.Helper()
	id := who.apply(t, name, "DNS")
	var told *cas.DescribeCertificateStateOutput
	eventually(t, "what to publish", func() bool { told = who.state(t, id); return told.RecordValue != "" })
	return waiting{proof{ValidateType: "DNS", RecordDomain: told.RecordDomain, RecordType: told.RecordType, RecordValue: told.RecordValue}, id}
}

// orders applies at one node after another, and asks at the next how each order stands
// until it is issued.
func orders(t *testing.T, s *service, phase string, n int, nodes ...tenant) (ids []int64) {
	t.Helper()
	for i := range n {
		made := waitingOrder(t, nodes[i%len(nodes)], fmt.Sprintf("o%d.%s%d.upgrade.test", i, phase, time.Now().UnixNano()))
		s.publish(t, made.proof)
		ids = append(ids, made.order)
	}
	for i, id := range ids {
		nodes[(i+1)%len(nodes)].issued(t, id)
	}
	return ids
}
