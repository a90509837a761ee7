package store

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"chancery"
	"chancery/store/storetest"
)

// patient is a sound database with two estates, and what is needed to spoil it.
type patient struct {
	*engine
	mine, theirs storetest.Estate
}

// soundDatabase is made once; every test spoils a copy.
var soundDatabase struct {
	once         sync.Once
	file         []byte
	mine, theirs storetest.Estate
}

func newPatient(t *testing.T) *patient {
	t.Helper()
	soundDatabase.once.Do(func() {
		e := newEngine(t)
		soundDatabase.mine, soundDatabase.theirs = storetest.Furnish(t, e), storetest.Furnish(t, e)
		if err := e.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if soundDatabase.file, err = os.ReadFile(e.file); err != nil {
			t.Fatal(err)
		}
	})
	file := filepath.Join(t.TempDir(), "chancery.db")
	if err := os.WriteFile(file, soundDatabase.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return &patient{reopen(t, file), soundDatabase.mine, soundDatabase.theirs}
}

// order is my order in a state.
func (p *patient) order(state chancery.State) chancery.OrderID { return p.mine.Orders[state].ID }

// spoilt is one way to break the data and the problems that the doctor must find
// then: these and no others.
type spoilt struct {
	name  string
	spoil func(*patient) string // SQL
	want  func(*patient) []Problem
}

// Names of the checks that are not in the table of invariants.
const (
	opens = "every sealed value opens in its place"
	fits  = "a certificate is the one the CA recorded, for the order's name, and fits its key"
)

// one is a single problem: of the invariant whose name begins so, with a row
// that is named by its kind and id.
func one(invariant, row string, of func(*patient) any) func(*patient) []Problem {
	return func(p *patient) []Problem { return []Problem{{named(invariant), row + fmt.Sprint(of(p))}} }
}

// named is the invariant whose name begins so, or else the name itself.
func named(start string) string {
	for _, i := range invariants {
		if strings.HasPrefix(i.name, start) {
			return i.name
		}
	}
	return start
}

// in is my order in a state, as an argument.
func in(state chancery.State) func(*patient) any {
	return func(p *patient) any { return p.order(state) }
}

func myPlan(p *patient) any        { return p.mine.Plan.ID }
func myCertificate(p *patient) any { return p.mine.Certificate.ID }

// sqlf is a statement about ids of the patient.
func sqlf(format string, args ...func(*patient) any) func(*patient) string {
	return func(p *patient) string {
		values := make([]any, len(args))
		for i, arg := range args {
			values[i] = arg(p)
		}
		return fmt.Sprintf(format, values...)
	}
}

var spoiltData = []spoilt{
	{"a unit too many is used", sqlf("UPDATE plans SET used = used + 1 WHERE id = %d", myPlan), one("a plan's used units", "plan ", myPlan)},
	{"a unit too few is used", sqlf("UPDATE plans SET used = used - 1 WHERE id = %d", myPlan), one("a plan's used units", "plan ", myPlan)},
	{
		"more units are used than there are",
		sqlf("UPDATE plans SET total = 4 WHERE id = %d", myPlan),
		func(p *patient) []Problem {
			return []Problem{
				{named("a plan's used units"), fmt.Sprint("plan ", p.mine.Plan.ID)},
				{named("the database file"), "CHECK constraint failed in plans"},
			}
		},
	},
	{
		"a debit is another account's",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE ledger SET account_id = %d WHERE order_id = %d AND kind = 'debit'", p.theirs.Account, p.order(chancery.Payed))
		},
		one("every order has one debit", "order ", in(chancery.Payed)),
	},
	{
		"a debit is missing",
		sqlf("DELETE FROM ledger WHERE order_id = %d AND kind = 'debit'; UPDATE plans SET used = used - 1 WHERE id = %d", in(chancery.Payed), myPlan),
		one("every order has one debit", "order ", in(chancery.Payed)),
	},
	{
		"an order that is there has its unit given back",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO ledger (order_id, kind, account_id, plan_id, at) VALUES (%d, 'refund', %d, %d, 1); UPDATE plans SET used = used - 1 WHERE id = %[3]d",
				p.order(chancery.Payed), p.mine.Account, p.mine.Plan.ID)
		},
		one("an order has a refund if and only if", "order ", in(chancery.Payed)),
	},
	{
		"a deleted order keeps its unit",
		sqlf("DELETE FROM ledger WHERE order_id = %d AND kind = 'refund'; UPDATE plans SET used = used + 1 WHERE id = %d", in(chancery.Deleted), myPlan),
		one("an order has a refund if and only if", "order ", in(chancery.Deleted)),
	},
	{
		"a unit is given back to another plan",
		func(p *patient) string {
			return fmt.Sprintf(`UPDATE ledger SET plan_id = %d WHERE order_id = %d AND kind = 'refund';
				UPDATE plans SET used = used - 1 WHERE id = %[1]d; UPDATE plans SET used = used + 1 WHERE id = %[3]d`,
				p.theirs.Plan.ID, p.order(chancery.Deleted), p.mine.Plan.ID)
		},
		one("an order has a refund if and only if", "order ", in(chancery.Deleted)),
	},
	{
		"an order is for another product than its plan",
		sqlf("UPDATE orders SET product_code = 'other' WHERE id = %d", in(chancery.Payed)),
		one("a plan belongs to the account and product", "order ", in(chancery.Payed)),
	},
	{
		"ledger lines belong to no order",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO ledger (order_id, kind, account_id, plan_id, at) VALUES (404, 'debit', %d, %d, 1), (404, 'refund', %[1]d, %[2]d, 2)",
				p.mine.Account, p.mine.Plan.ID)
		},
		func(*patient) []Problem {
			return []Problem{
				{named("every ledger line"), "ledger 404 debit"}, {named("every ledger line"), "ledger 404 refund"},
				{named("every reference"), "ledger row 15"}, {named("every reference"), "ledger row 16"},
			}
		},
	},
	{
		"an order has nothing to publish",
		sqlf("DELETE FROM validations WHERE order_id = %d", in(chancery.Process)),
		one("every order has what must be published", "order ", in(chancery.Process)),
	},
	{
		"the proof is of another method",
		sqlf("UPDATE validations SET method = 'FILE' WHERE order_id = %d", in(chancery.Process)),
		one("every order has what must be published", "order ", in(chancery.Process)),
	},
	{
		"the proof is of another name",
		sqlf("UPDATE validations SET name = 'evil.example.test' WHERE order_id = %d", in(chancery.Process)),
		one("every order has what must be published", "order ", in(chancery.Process)),
	},
	{
		"an order is in no state there is",
		sqlf("UPDATE orders SET state = 'lost' WHERE id = %d", in(chancery.Payed)),
		one("an order is in a known state", "order ", in(chancery.Payed)),
	},
	{
		"an open order has no step",
		sqlf("DELETE FROM steps WHERE order_id = %d", in(chancery.DomainVerify)),
		one("an open order has one step", "order ", in(chancery.DomainVerify)),
	},
	{
		"an open order has two steps that take it on",
		sqlf("INSERT INTO steps SELECT 7, kind, account_id, order_id, due_at, attempts, last_run_at, lease_until, last_error, version FROM steps WHERE order_id = %d", in(chancery.Process)),
		one("an open order has one step", "order ", in(chancery.Process)),
	},
	{"a closed order has a step", sqlf("UPDATE steps SET order_id = %d WHERE order_id = %d", in(chancery.VerifyFail), in(chancery.Process)), func(p *patient) []Problem {
		invariant := named("an open order has one step")
		return []Problem{{invariant, fmt.Sprint("order ", p.order(chancery.VerifyFail))}, {invariant, fmt.Sprint("order ", p.order(chancery.Process))}}
	}},
	{
		"an order was proved at no time",
		sqlf("UPDATE orders SET proved_at = 0 WHERE id = %d", in(chancery.Process)),
		one("a proved order", "order ", in(chancery.Process)),
	},
	{
		"nobody saw the proof",
		sqlf("UPDATE evidence SET finding = 'no record' WHERE order_id = %d", in(chancery.Issued)),
		one("a proved order", "order ", in(chancery.Issued)),
	},
	{
		"an issued order has no certificate",
		sqlf("DELETE FROM certificates WHERE order_id = %d", in(chancery.Issued)),
		one("an issued order has its certificate", "order ", in(chancery.Issued)),
	},
	{
		"an issued order names another certificate",
		sqlf("UPDATE orders SET certificate_id = 1 WHERE id = %d", in(chancery.Issued)),
		one("an issued order has its certificate", "order ", in(chancery.Issued)),
	},
	{
		"an order was issued at no time",
		sqlf("UPDATE orders SET issued_at = 0 WHERE id = %d", in(chancery.Issued)),
		one("an issued order has its certificate", "order ", in(chancery.Issued)),
	},
	{
		"a withdrawn order has a certificate",
		sqlf("UPDATE orders SET state = 'payed' WHERE id = %d", in(chancery.Issued)),
		one("an issued order has its certificate", "order ", in(chancery.Issued)),
	},
	{
		"a key waits where the applicant has it",
		sqlf("UPDATE orders SET csr = x'30' WHERE id = %d", in(chancery.DomainVerify)),
		one("a key waits only", "key of order ", in(chancery.DomainVerify)),
	},
	{
		"a certificate's key is missing",
		sqlf("UPDATE certificates SET key = NULL WHERE id = %d", myCertificate),
		one("a certificate has a key if", "certificate ", myCertificate),
	},
	{
		"a certificate has the applicant's key",
		sqlf("UPDATE orders SET csr = x'30' WHERE id = %d", in(chancery.Issued)),
		one("a certificate has a key if", "certificate ", myCertificate),
	},
	{
		"the CA signed twice for an order",
		sqlf("DROP INDEX issuances_order; INSERT INTO issuances SELECT 'ff', authority_id, account_id, order_id, to_be_signed, certificate, at FROM issuances WHERE order_id = %d", in(chancery.Issued)),
		one("what the embedded CA signed", "order ", in(chancery.Issued)),
	},
	{
		"a submission names another account's order",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE submissions SET order_id = %d WHERE account_id = %d", p.theirs.Orders[chancery.Issued].ID, p.mine.Account)
		},
		func(p *patient) []Problem {
			return []Problem{{named("a submission record"), fmt.Sprint("submission of order ", p.theirs.Orders[chancery.Issued].ID)}}
		},
	},
	{"an authority is gone", sqlf("UPDATE issuances SET authority_id = 'gone' WHERE order_id = %d", in(chancery.Issued)), func(*patient) []Problem {
		return []Problem{{named("every reference"), "issuances row 1"}}
	}},
	{"a row breaks a rule of its table", sqlf("INSERT INTO keysets (id, wrapped) VALUES (2, x'00')"), func(*patient) []Problem {
		return []Problem{{named("the database file"), "CHECK constraint failed in keysets"}}
	}},
	{
		"an access key's secret was moved",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE access_keys SET secret = (SELECT secret FROM access_keys WHERE id = '%s') WHERE id = '%s'", p.theirs.AccessKey.ID, p.mine.AccessKey.ID)
		},
		one(opens, accessKeyTable+" ", func(p *patient) any { return p.mine.AccessKey.ID }),
	},
	{
		"an access key was given to another account",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE access_keys SET account_id = %d WHERE id = '%s'", p.theirs.Account, p.mine.AccessKey.ID)
		},
		one(opens, accessKeyTable+" ", func(p *patient) any { return p.mine.AccessKey.ID }),
	},
	{
		"an order's key was cut",
		sqlf("UPDATE order_keys SET key = substr(key, 1, 40) WHERE order_id = %d", in(chancery.DomainVerify)),
		one(opens, orderKeyTable+" ", in(chancery.DomainVerify)),
	},
	{
		"a certificate's key was moved",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE certificates SET key = (SELECT key FROM certificates WHERE id = %d) WHERE id = %d", p.theirs.Certificate.ID, p.mine.Certificate.ID)
		},
		func(p *patient) []Problem {
			return []Problem{
				{opens, fmt.Sprint(certificateTable, " ", p.mine.Certificate.ID)},
				{fits, fmt.Sprintf("certificate %d: has a key that does not open", p.mine.Certificate.ID)},
			}
		},
	},
	{
		"the authority's key is another",
		sqlf("UPDATE authorities SET key = zeroblob(60)"),
		one(opens, authorityTable+" ", func(*patient) any { return "00112233445566778899aabbccddeeff" }),
	},
	{
		"a certificate was swapped",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE certificates SET pem = (SELECT pem FROM certificates WHERE id = %d) WHERE id = %d", p.theirs.Certificate.ID, p.mine.Certificate.ID)
		},
		misfit("differs from the CA's record"),
	},
	{
		"the CA's record is of another certificate",
		sqlf("UPDATE issuances SET certificate = x'30' WHERE order_id = %d", in(chancery.Issued)),
		misfit("differs from the CA's record"),
	},
	{
		"a certificate has another serial than its row",
		sqlf("UPDATE certificates SET serial = '00' WHERE id = %d", myCertificate),
		misfit("has another serial than its row"),
	},
	{"a certificate is for another name", func(p *patient) string {
		return fmt.Sprintf("UPDATE orders SET name = 'other.example.test' WHERE id = %d; UPDATE validations SET name = 'other.example.test' WHERE order_id = %[1]d", p.order(chancery.Issued))
	}, misfit("has other names than its order")},
	{"a certificate is no text of one", sqlf("UPDATE certificates SET pem = 'gone' WHERE id = %d", myCertificate), misfit("not PEM")},
	{
		"a certificate is damaged",
		sqlf("UPDATE certificates SET pem = replace(pem, 'MI', 'MA') WHERE id = %d", myCertificate),
		misfit("cannot be parsed"),
	},
	{"a certificate's key is another, soundly sealed", func(p *patient) string {
		sealed, err := p.keyring.Seal(anotherKey(), place(certificateTable, p.mine.Account, p.mine.Certificate.ID))
		if err != nil {
			panic(err)
		}
		return fmt.Sprintf("UPDATE certificates SET key = x'%x' WHERE id = %d", sealed, p.mine.Certificate.ID)
	}, misfit("the key is not the certificate's")},
}

// misfit is the one problem that my certificate does not fit, and why.
func misfit(why string) func(*patient) []Problem {
	return func(p *patient) []Problem {
		return []Problem{{fits, fmt.Sprintf("certificate %d: %s", p.mine.Certificate.ID, why)}}
	}
}

func anotherKey() chancery.Secret {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	text, _, err := chancery.NewKeyAndCSR(key, "leaf.example.test")
	if err != nil {
		panic(err)
	}
	return text
}

func TestTheDoctorFindsWhatIsSpoilt(t *testing.T) {
	newPatient(t) // makes the sound database before the tests below run beside each other
	for _, c := range spoiltData {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPatient(t)
			if err := p.Tamper(c.spoil(p)); err != nil {
				t.Fatal(err)
			}
			report, err := p.Examine(ctx)
			if err != nil {
				t.Fatal(err)
			}
			anyOrder := cmpopts.SortSlices(func(a, b Problem) bool { return a.Invariant+a.Row < b.Invariant+b.Row })
			if difference := cmp.Diff(c.want(p), report.Problems, anyOrder); difference != "" {
				t.Errorf("(- wanted, + found)\n%s", difference)
			}
		})
	}
}

// TestEveryCheckCanFail holds the table above to the doctor's list.
func TestEveryCheckCanFail(t *testing.T) {
	p := newPatient(t)
	fails := map[string]bool{}
	for _, c := range spoiltData {
		for _, problem := range c.want(p) {
			fails[problem.Invariant] = true
		}
	}
	checks := []string{opens, fits}
	for _, i := range invariants {
		checks = append(checks, i.name)
	}
	for _, check := range checks {
		if !fails[check] {
			t.Errorf("nothing shows that the doctor notices when it is not so that %s", check)
		}
		delete(fails, check)
	}
	if len(fails) > 0 {
		t.Errorf("the doctor knows no such checks: %v", fails)
	}
	for _, table := range sealedTables {
		shown := false
		for _, c := range spoiltData {
			for _, problem := range c.want(p) {
				shown = shown || problem.Invariant == opens && strings.HasPrefix(problem.Row, table.table+" ")
			}
		}
		if !shown {
			t.Errorf("nothing shows that the doctor opens what is sealed in %s", table.table)
		}
	}
}

func TestTheDoctorIsContentWithSoundData(t *testing.T) {
	for name, e := range map[string]*engine{"an empty store": newEngine(t), "a store in use": newPatient(t).engine} {
		report, err := e.Examine(ctx)
		if err != nil || len(report.Problems) > 0 || report.Problems == nil {
			t.Errorf("%s: %+v, %v", name, report, err)
		}
		if want := len(invariants) + len(sealedTables) + 1; report.Checks != want {
			t.Errorf("%s: %d checks, want %d", name, report.Checks, want)
		}
	}
	report, err := newPatient(t).Examine(ctx)
	const keys, orderKeys, certificateKeys, authorities, certificates = 2, 2, 2, 1, 2
	if want := keys + orderKeys + certificateKeys + authorities + certificates; err != nil || report.Rows != want {
		t.Errorf("%d rows were opened, %v; want %d", report.Rows, err, want)
	}
}

// TestTheDoctorMayLookWhileOthersWork finds false alarms: data that is sound
// after each write must look sound between them.
func TestTheDoctorMayLookWhileOthersWork(t *testing.T) {
	e := newEngine(t)
	ctx, cancel := context.WithTimeout(ctx, 400*time.Millisecond)
	defer cancel()
	var workers sync.WaitGroup
	for range 2 {
		workers.Go(func() {
			for ctx.Err() == nil {
				storetest.Furnish(t, e)
			}
		})
	}
	defer workers.Wait()
	for ctx.Err() == nil {
		report, err := e.Examine(ctx)
		if err != nil && !errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			t.Fatal(err)
		}
		if len(report.Problems) > 0 {
			t.Fatalf("the doctor found %v", report.Problems)
		}
	}
}
