package store

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
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
	numbers      map[string]int64 // in lists, of what is in them before it is spoilt
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
	p := &patient{reopen(t, file), soundDatabase.mine, soundDatabase.theirs, map[string]int64{}}
	rows, err := p.reads.Query("SELECT kind || row_id, seq FROM listed")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var entry string
		var number int64
		if err := rows.Scan(&entry, &number); err != nil {
			t.Fatal(err)
		}
		p.numbers[entry] = number
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return p
}

// also writes what a program at fault would, and leaves nothing to be done in SQL.
func (p *patient) also(fn func(chancery.Tx) error) string {
	if err := p.Write(ctx, fn); err != nil {
		panic(err)
	}
	return "SELECT 1"
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
	fits  = "a certificate is the one the CA recorded, for the order's names, and fits its key"
	chain = "the lines of an account's audit log are the chain that its sealed end tells of"
	lists = "a CRL has the number and dates of its row, and its authority signed it"
	// Of the lists of orders and certificates.
	blocks = "the blocks of lists have their entries as members, and no others"
	texts  = "the texts of lists have a line for each number, which says what its entry is found by"
)

// one is a problem of the invariant that begins so, with the row of an order in a state.
func one(invariant string, row string, of func(*patient) any) func(*patient) []Problem {
	return func(p *patient) []Problem { return []Problem{{named(invariant), row + fmt.Sprint(of(p))}} }
}

// named is the invariant that begins so.
func named(start string) string {
	for _, i := range slices.Concat(invariants, (&sqlite3{}).checks()) {
		if strings.HasPrefix(i.name, start) {
			return i.name
		}
	}
	return start
}

func in(state chancery.State) func(*patient) any {
	return func(p *patient) any { return p.order(state) }
}

func myPlan(p *patient) any        { return p.mine.Plan.ID }
func myCertificate(p *patient) any { return p.mine.Certificate.ID }

func myDeleted(p *patient) any  { return p.mine.Deleted.ID }
func myUpload(p *patient) any   { return p.mine.Uploaded.ID }
func myCSR(p *patient) any      { return p.mine.CSR.ID }
func myCSROrder(p *patient) any { return p.mine.FromCSR.ID }

func myReadyKey(p *patient) any { return p.mine.ReadyKey.ID }

func mySession(p *patient) any { return p.mine.Session.AccessKeyID }
func myUserKey(p *patient) any { return p.mine.UserKey.ID }

// of is the problem of what belongs to another account than what it hangs on.
func of(row string, id func(*patient) any) func(*patient) []Problem {
	return one("whoever is in a group", row, id)
}

// ca names the one CRL there is.
func ca(*patient) any { return "00112233445566778899aabbccddeeff 0" }

// all are the problems of all of them.
func all(wants ...func(*patient) []Problem) func(*patient) []Problem {
	return func(p *patient) (problems []Problem) {
		for _, want := range wants {
			problems = append(problems, want(p)...)
		}
		return problems
	}
}

// unlisted is the problem of lists that show an order or certificate otherwise than it is.
func unlisted(row string, of func(*patient) any) func(*patient) []Problem {
	return one("every order and certificate that is not deleted", row, of)
}

// miscounted is the problem of the first block of one of my lists.
func miscounted(kind chancery.ListKind, status chancery.CertificateStatus, group string) func(*patient) []Problem {
	return one(blocks, "block ", func(p *patient) any {
		return fmt.Sprintf("%d %s %s 0 %s", p.mine.Account, kind, status, group)
	})
}

// mistagged are the problems of a tag of mine, as draft and uploadOf of storetest give
// them, that an entry in my first block has no more.
func mistagged(kind chancery.ListKind) func(*patient) []Problem {
	return all(
		one(tagBlocksAreRight, "tag ", func(p *patient) any { return fmt.Sprintf("%s %s 0", tagOfKind(p, kind), kind) }),
		one(tagUsesAreRight, "tag ", func(p *patient) any { return tagOfKind(p, kind) }),
	)
}

func tagOfKind(p *patient, kind chancery.ListKind) string {
	if kind == chancery.ListUploaded {
		return fmt.Sprint(p.mine.Account, ` "kept" "here"`)
	}
	return fmt.Sprint(p.mine.Account, ` "team" "web"`)
}

// newTag are the problems of a tag that an order in a block of an account has now.
func newTag(account func(*patient) chancery.AccountID, tag string, block int) func(*patient) []Problem {
	return all(
		one(tagBlocksAreRight, "tag ", func(p *patient) any { return fmt.Sprintf("%d %s order %d", account(p), tag, block) }),
		one(tagUsesAreRight, "tag ", func(p *patient) any { return fmt.Sprintf("%d %s", account(p), tag) }),
	)
}

func me(p *patient) chancery.AccountID   { return p.mine.Account }
func them(p *patient) chancery.AccountID { return p.theirs.Account }

// misread is the problem of my line that was of an order or certificate.
func misread(kind chancery.ListKind, of func(*patient) any) func(*patient) []Problem {
	return one(texts, "line ", func(p *patient) any { return fmt.Sprint(p.mine.Account, " ", p.numbers[fmt.Sprint(kind, of(p))]) })
}

// brokenPart is the problem of a row of mine in list_texts.
func brokenPart(number int64) func(*patient) []Problem {
	return one(texts, "part ", func(p *patient) any { return fmt.Sprint(p.mine.Account, " ", number) })
}

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
		one("an order that is deleted has a refund", "order ", in(chancery.Payed)),
	},
	{
		"a deleted order keeps its unit",
		sqlf("DELETE FROM ledger WHERE order_id = %d AND kind = 'refund'; UPDATE plans SET used = used + 1 WHERE id = %d", in(chancery.Deleted), myPlan),
		one("an order that is deleted has a refund", "order ", in(chancery.Deleted)),
	},
	{
		"a unit is given back to another plan",
		func(p *patient) string {
			return fmt.Sprintf(`UPDATE ledger SET plan_id = %d WHERE order_id = %d AND kind = 'refund';
				UPDATE plans SET used = used - 1 WHERE id = %[1]d; UPDATE plans SET used = used + 1 WHERE id = %[3]d`,
				p.theirs.Plan.ID, p.order(chancery.Deleted), p.mine.Plan.ID)
		},
		one("an order that is deleted has a refund", "order ", in(chancery.Deleted)),
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
				{named("every reference"), "ledger row 25"}, {named("every reference"), "ledger row 26"},
			}
		},
	},
	{"an order has nothing to publish", sqlf("DELETE FROM validations WHERE order_id = %d", in(chancery.Process)), one("every order has what must be published", "order ", in(chancery.Process))},
	{"one of two names has nothing to publish", sqlf("DELETE FROM validations WHERE order_id = %d AND position = 1", in(chancery.Process)), one("every order has what must be published", "order ", in(chancery.Process))},
	{"a proof is of another method", sqlf("UPDATE validations SET method = 'FILE' WHERE order_id = %d AND position = 1", in(chancery.Process)), one("every order has what must be published", "order ", in(chancery.Process))},
	{"a proof is of another name", sqlf("UPDATE validations SET name = 'evil.example.test' WHERE order_id = %d AND position = 1", in(chancery.VerifyFail)), one("every order has what must be published", "order ", in(chancery.VerifyFail))},
	{"an order is in no state there is", sqlf("UPDATE orders SET state = 'lost' WHERE id = %d", in(chancery.Payed)), all(one("an order is in a known state", "order ", in(chancery.Payed)), unlisted("order ", in(chancery.Payed)))},
	{"an open order has no step", sqlf("DELETE FROM steps WHERE order_id = %d", in(chancery.DomainVerify)), one("an open order has one step", "order ", in(chancery.DomainVerify))},
	{
		"an open order has two steps that take it on",
		sqlf("INSERT INTO steps SELECT 7, kind, account_id, order_id, due_at, attempts, last_run_at, lease_until, last_error, version, parked_at, cause, subject FROM steps WHERE order_id = %d", in(chancery.Process)),
		one("an open order has one step", "order ", in(chancery.Process)),
	},
	{
		"a parked step is due",
		sqlf("UPDATE steps SET id = 7, parked_at = 1, attempts = 20, last_error = 'no answer' WHERE order_id = %d", in(chancery.Process)),
		one("a parked step", "step ", func(*patient) any { return 7 }),
	},
	{"a closed order has a step", sqlf("UPDATE steps SET order_id = %d WHERE order_id = %d", in(chancery.VerifyFail), in(chancery.Process)), func(p *patient) []Problem {
		invariant := named("an open order has one step")
		return []Problem{{invariant, fmt.Sprint("order ", p.order(chancery.VerifyFail))}, {invariant, fmt.Sprint("order ", p.order(chancery.Process))}}
	}},
	{"an order was proved at no time", sqlf("UPDATE orders SET proved_at = 0 WHERE id = %d", in(chancery.Process)), one("a proved order", "order ", in(chancery.Process))},
	{"one of two names was proved at no time", sqlf("UPDATE validations SET proved_at = 0 WHERE order_id = %d AND position = 1", in(chancery.Process)), one("a proved order", "order ", in(chancery.Process))},
	{"nobody saw the proof of one of two names", sqlf("UPDATE evidence SET finding = 'no record' WHERE order_id = %d AND name LIKE 'www.%%'", in(chancery.Revoked)), one("a proved order", "order ", in(chancery.Revoked))},
	{"nobody saw the proof", sqlf("UPDATE evidence SET finding = 'no record' WHERE order_id = %d", in(chancery.Issued)), one("a proved order", "order ", in(chancery.Issued))},
	{
		"an issued order has no certificate",
		sqlf("DELETE FROM certificates WHERE order_id = %d", in(chancery.Issued)),
		all(one("an issued order has its certificate", "order ", in(chancery.Issued)), unlisted("list entry issued ", myCertificate)),
	},
	{"an issued order names another certificate", sqlf("UPDATE orders SET certificate_id = 1 WHERE id = %d", in(chancery.Issued)), one("an issued order has its certificate", "order ", in(chancery.Issued))},
	{"an order was issued at no time", sqlf("UPDATE orders SET issued_at = 0 WHERE id = %d", in(chancery.Issued)), one("an issued order has its certificate", "order ", in(chancery.Issued))},
	{
		"a withdrawn order has a certificate",
		sqlf("UPDATE orders SET state = 'payed' WHERE id = %d", in(chancery.Issued)),
		all(one("an issued order has its certificate", "order ", in(chancery.Issued)), unlisted("order ", in(chancery.Issued))),
	},
	{"a key waits where the applicant has it", sqlf("UPDATE orders SET csr = x'30' WHERE id = %d", in(chancery.DomainVerify)), one("a key waits only", "key of order ", in(chancery.DomainVerify))},
	{"a certificate's key is missing", sqlf("UPDATE certificates SET key = NULL WHERE id = %d", myCertificate), one("a certificate has a key if", "certificate ", myCertificate)},
	{"a certificate has the applicant's key", sqlf("UPDATE orders SET csr = x'30' WHERE id = %d", in(chancery.Issued)), one("a certificate has a key if", "certificate ", myCertificate)},
	{"an open order's stored CSR has lost its key", sqlf("UPDATE csrs SET key = NULL WHERE id = %d", myCSR), one("an open order that uses a stored CSR", "order ", myCSROrder)},
	{"an open order's stored CSR is gone", sqlf("DELETE FROM csrs WHERE id = %d", myCSR), one("an open order that uses a stored CSR", "order ", myCSROrder)},
	{"an open order's stored CSR is another account's", func(p *patient) string {
		return fmt.Sprintf("UPDATE orders SET csr_id = %d WHERE id = %d", p.theirs.CSR.ID, p.mine.FromCSR.ID)
	}, one("an open order that uses a stored CSR", "order ", myCSROrder)},
	{"an order uses a stored CSR and has none", sqlf("UPDATE orders SET csr = NULL WHERE id = %d", myCSROrder), one("an open order that uses a stored CSR", "order ", myCSROrder)},
	{
		"the CA signed twice for an order",
		sqlf(`DROP INDEX issuances_order; UPDATE crls SET issued = issued + 1; INSERT INTO issuances
			SELECT 'ff', authority_id, account_id, order_id, to_be_signed, certificate, at, not_after, crl, revoked_at, reason FROM issuances WHERE order_id = %d`, in(chancery.Issued)),
		one("what the embedded CA signed", "order ", in(chancery.Issued)),
	},
	{
		"a deleted certificate keeps its key",
		sqlf("UPDATE certificates SET deleted_at = 1 WHERE id = %d", myCertificate),
		all(one("a deleted certificate", "certificate ", myCertificate), unlisted("certificate ", myCertificate)),
	},
	{
		"a deleted upload is still there",
		sqlf("UPDATE certificates SET deleted_at = 1, sign_key = NULL, encrypt_key = NULL WHERE id = %d", myUpload),
		all(one("a deleted certificate", "certificate ", myUpload), unlisted("certificate ", myUpload)),
	},
	{
		"an order is not listed",
		sqlf("DELETE FROM listed WHERE kind = 'order' AND row_id = %d", in(chancery.Payed)),
		all(unlisted("order ", in(chancery.Payed)), miscounted(chancery.ListOrder, chancery.StatusPayed, ""), mistagged(chancery.ListOrder), misread(chancery.ListOrder, in(chancery.Payed))),
	},
	{
		"a certificate is not listed",
		sqlf("DELETE FROM listed WHERE kind = 'upload' AND row_id = %d", myUpload),
		all(unlisted("certificate ", myUpload), miscounted(chancery.ListUploaded, chancery.StatusIssued, "rg-1"), mistagged(chancery.ListUploaded), misread(chancery.ListUploaded, myUpload)),
	},
	{
		"an order is listed as in another state",
		sqlf("UPDATE listed SET status = 'EXPIRED' WHERE kind = 'order' AND row_id = %d", in(chancery.Payed)),
		all(unlisted("order ", in(chancery.Payed)), miscounted(chancery.ListOrder, chancery.StatusPayed, ""), miscounted(chancery.ListOrder, chancery.StatusExpired, "")),
	},
	{
		"a certificate is listed in another group",
		sqlf("UPDATE listed SET resource_group = 'rg-9' WHERE kind = 'upload' AND row_id = %d", myUpload),
		all(unlisted("certificate ", myUpload), miscounted(chancery.ListUploaded, chancery.StatusIssued, "rg-1"), miscounted(chancery.ListUploaded, chancery.StatusIssued, "rg-9")),
	},
	{"a certificate is listed with another end", sqlf("UPDATE listed SET not_after = 1 WHERE kind = 'issued' AND row_id = %d", myCertificate), unlisted("certificate ", myCertificate)},
	{"an order is listed in another group", sqlf("UPDATE orders SET resource_group = 'rg-9' WHERE id = %d", in(chancery.Payed)), unlisted("order ", in(chancery.Payed))},
	{
		"another account lists an order",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE listed SET account_id = %d, seq = 2048 WHERE kind = 'order' AND row_id = %d", p.theirs.Account, p.order(chancery.Payed))
		},
		all(unlisted("order ", in(chancery.Payed)), miscounted(chancery.ListOrder, chancery.StatusPayed, ""), one(blocks, "block ", func(p *patient) any {
			return fmt.Sprint(p.theirs.Account, " order PAYED 1 ")
		}), mistagged(chancery.ListOrder), newTag(them, `"team" "web"`, 1), misread(chancery.ListOrder, in(chancery.Payed)), one(texts, "line ", func(p *patient) any { return fmt.Sprint(p.theirs.Account, " 2048") })),
	},
	{
		"a deleted certificate is listed",
		sqlf("UPDATE listed SET row_id = %d WHERE kind = 'issued' AND row_id = %d", myDeleted, myCertificate),
		all(unlisted("certificate ", myDeleted), unlisted("certificate ", myCertificate), misread(chancery.ListIssued, myCertificate)),
	},
	{
		"what is listed is nowhere",
		sqlf("UPDATE listed SET row_id = 404 WHERE kind = 'upload' AND row_id = %d", myUpload),
		all(unlisted("certificate ", myUpload), unlisted("list entry upload ", func(*patient) any { return 404 })),
	},
	{
		"a block has a member too many",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE list_blocks SET members = x'%x' WHERE account_id = %d AND kind = 'order' AND status = 'PAYED'",
				(&blockSet{1<<p.numbers[fmt.Sprint(chancery.ListOrder, p.order(chancery.Payed))] | 1<<63}).bytes(), p.mine.Account)
		},
		miscounted(chancery.ListOrder, chancery.StatusPayed, ""),
	},
	{
		"a block has another member",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE list_blocks SET members = x'%x' WHERE account_id = %d AND kind = 'order' AND status = 'PAYED'",
				(&blockSet{1 << 63}).bytes(), p.mine.Account)
		},
		miscounted(chancery.ListOrder, chancery.StatusPayed, ""),
	},
	{
		"a block is there for nothing",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO list_blocks (account_id, kind, status, block, resource_group, members) VALUES (%d, 'order', 'PAYED', 7, '', zeroblob(256))", p.mine.Account)
		},
		one(blocks, "block ", func(p *patient) any { return fmt.Sprint(p.mine.Account, " order PAYED 7 : has no members") }),
	},
	{
		"an order is listed with another tag",
		sqlf(`UPDATE listed SET tags = '[{"k":"team","v":"evil"}]' WHERE kind = 'order' AND row_id = %d`, in(chancery.Payed)),
		all(unlisted("order ", in(chancery.Payed)), mistagged(chancery.ListOrder), newTag(me, `"team" "evil"`, 0)),
	},
	{
		"a certificate is listed without its tags",
		sqlf("UPDATE listed SET tags = '' WHERE kind = 'upload' AND row_id = %d", myUpload),
		all(unlisted("certificate ", myUpload), mistagged(chancery.ListUploaded)),
	},
	{
		"a block of a tag is gone",
		func(p *patient) string {
			return fmt.Sprintf("DELETE FROM tag_blocks WHERE account_id = %d AND kind = 'upload'", p.mine.Account)
		},
		one(tagBlocksAreRight, "tag ", func(p *patient) any { return tagOfKind(p, chancery.ListUploaded) + " upload 0" }),
	},
	{
		"a block of a tag is there for nothing",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO tag_blocks (account_id, key, value, kind, block, members) VALUES (%d, 'a', 'b', 'order', 7, zeroblob(256))", p.mine.Account)
		},
		one(tagBlocksAreRight, "tag ", func(p *patient) any { return fmt.Sprint(p.mine.Account, ` "a" "b" order 7: has no members`) }),
	},
	{
		"a tag counts an order too many",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE tag_uses SET orders = orders + 1 WHERE account_id = %d AND key = 'kept'", p.mine.Account)
		},
		one(tagUsesAreRight, "tag ", func(p *patient) any { return tagOfKind(p, chancery.ListUploaded) }),
	},
	{
		"a tag counts nothing",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO tag_uses (account_id, key, value, orders, certificates) VALUES (%d, 'a', 'b', 0, 0)", p.mine.Account)
		},
		one(tagUsesAreRight, "tag ", func(p *patient) any { return fmt.Sprint(p.mine.Account, ` "a" "b": is there for nothing`) }),
	},
	{
		"a line has another name",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE list_texts SET text = replace(text, %[1]q, 'evil') WHERE account_id = %d", p.mine.Uploaded.InstanceID, p.mine.Account)
		},
		misread(chancery.ListUploaded, myUpload),
	},
	{
		"a line is left of what was removed",
		sqlf("INSERT INTO list_texts (account_id, part, lines, text) VALUES (404, 0, 2, char(10) || 'gone' || char(10))"),
		one(texts, "line ", func(*patient) any { return "404 1" }),
	},
	{
		"a text has fewer lines than numbers were given out",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE list_texts SET lines = lines + 1 WHERE account_id = %d", p.mine.Account)
		},
		brokenPart(0),
	},
	{
		"a text has no end",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE list_texts SET text = text || 'more' WHERE account_id = %d", p.mine.Account)
		},
		brokenPart(0),
	},
	{
		"a text follows one that is not full",
		func(p *patient) string {
			return fmt.Sprintf("INSERT INTO list_texts (account_id, part, lines, text) VALUES (%d, 1, 1, char(10))", p.mine.Account)
		},
		brokenPart(1),
	},
	{
		"a text does not begin at the first number",
		sqlf("INSERT INTO list_texts (account_id, part, lines, text) VALUES (404, 1, 1, char(10))"),
		one(texts, "part ", func(*patient) any { return "404 1" }),
	},
	{
		"a block is gone",
		func(p *patient) string {
			return fmt.Sprintf("DELETE FROM list_blocks WHERE account_id = %d AND kind = 'order' AND status = 'PAYED'", p.mine.Account)
		},
		miscounted(chancery.ListOrder, chancery.StatusPayed, ""),
	},
	{
		"a revoked order has a certificate that is not revoked",
		sqlf("UPDATE certificates SET revoked_at = 0 WHERE order_id = %d", in(chancery.Revoked)),
		all(
			one("a certificate of an order is revoked", "certificate ", myRevoked), unlisted("certificate ", myRevoked),
			one("the embedded CA has revoked no certificate", "certificate ", myRevoked),
		),
	},
	{
		"an issued order has a certificate that is revoked",
		sqlf("UPDATE certificates SET revoked_at = 1 WHERE id = %d", myCertificate),
		all(
			one("a certificate of an order is revoked", "certificate ", myCertificate), unlisted("certificate ", myCertificate),
			one("a revoked certificate of the embedded CA", "certificate ", myCertificate),
		),
	},
	{
		"the CA never heard of a revocation",
		sqlf("UPDATE issuances SET revoked_at = 0 WHERE order_id = %d; UPDATE crls SET revoked = revoked - 1, listed = listed - 1", in(chancery.Revoked)),
		one("a revoked certificate of the embedded CA", "certificate ", myRevoked),
	},
	{
		"the CA revoked a certificate and nobody was told",
		sqlf("UPDATE issuances SET revoked_at = 1 WHERE order_id = %d; UPDATE crls SET revoked = revoked + 1", in(chancery.Issued)),
		one("the embedded CA has revoked no certificate", "certificate ", myCertificate),
	},
	{"a CRL is for more certificates than there are", sqlf("UPDATE crls SET issued = issued + 1"), one("a CRL counts", "CRL ", ca)},
	{"a CRL misses a revocation", sqlf("UPDATE crls SET revoked = revoked - 1, listed = 0"), one("a CRL counts", "CRL ", ca)},
	{"a CRL lists more than is revoked", sqlf("UPDATE crls SET listed = revoked + 1"), one("a CRL counts", "CRL ", ca)},
	{"a CRL that was made is gone", sqlf("UPDATE crls SET der = NULL"), one("a CRL counts", "CRL ", ca)},
	{
		"an issuance names a CRL that there is not",
		sqlf("UPDATE issuances SET crl = 7 WHERE order_id = %d; UPDATE crls SET issued = issued - 1", in(chancery.Issued)),
		one("every issuance has its CRL", "issuance ", mySerial),
	},
	{"a CRL's number fell behind", sqlf("UPDATE crls SET number = 1"), one(lists, "CRL ", func(p *patient) any { return fmt.Sprint(ca(p), ": has the number 2, its row 1") })},
	{"a CRL ends at another time", sqlf("UPDATE crls SET next_update = 1"), one(lists, "CRL ", func(p *patient) any {
		return fmt.Sprint(ca(p), ": ends at 2026-11-30 12:05:00 +0000 UTC, not when its row says")
	})},
	{"a CRL is by another authority", func(*patient) string {
		return fmt.Sprintf("UPDATE authorities SET certificate = x'%x'", anotherAuthority())
	}, one(lists, "CRL ", func(p *patient) any { return fmt.Sprint(ca(p), ": x509: ECDSA verification failure") })},
	{
		"a submission names another account's order",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE submissions SET order_id = %d WHERE account_id = %d", p.theirs.Orders[chancery.Issued].ID, p.mine.Account)
		},
		func(p *patient) []Problem {
			return []Problem{{named("a submission record"), fmt.Sprint("submission of order ", p.theirs.Orders[chancery.Issued].ID)}}
		},
	},
	{"an authority is gone", sqlf("UPDATE crls SET authority_id = 'gone'; UPDATE issuances SET authority_id = 'gone'; DELETE FROM issuances WHERE order_id <> %d; UPDATE issuances SET rowid = 1; UPDATE crls SET issued = 1, revoked = 0, listed = 0", in(chancery.Issued)), func(*patient) []Problem {
		return []Problem{{named("every reference"), "crls row 1"}, {named("every reference"), "issuances row 1"}}
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
	{"an order's key was cut", sqlf("UPDATE order_keys SET key = substr(key, 1, 40) WHERE order_id = %d", in(chancery.DomainVerify)), one(opens, orderKeyTable+" ", in(chancery.DomainVerify))},
	{"a ready key was moved", func(p *patient) string {
		return fmt.Sprintf("UPDATE ready_keys SET key = (SELECT key FROM ready_keys WHERE id = %d) WHERE id = %d", p.theirs.ReadyKey.ID, p.mine.ReadyKey.ID)
	}, one(opens, readyKeyTable+" ", myReadyKey)},
	{"a ready key is of another algorithm", sqlf("UPDATE ready_keys SET algorithm = 'RSA_2048' WHERE id = %d", myReadyKey), one(readyIsOfAlgorithm, readyKeyTable+" ", myReadyKey)},
	{"a ready key waits twice", func(p *patient) string {
		again := p.mine.ReadyKey
		again.ID++
		return p.also(func(tx chancery.Tx) error { return tx.AddReadyKey(again) })
	}, one(readyIsNobodys, readyKeyTable+" ", func(p *patient) any { return p.mine.ReadyKey.ID + 1 })},
	{"a ready key waits and is an order's", func(p *patient) string {
		key := chancery.OrderKey{OrderID: p.order(chancery.Process), AccountID: p.mine.Account, Key: p.mine.ReadyKey.Key, CSR: []byte("request")}
		return p.also(func(tx chancery.Tx) error { return tx.AddOrderKey(key) })
	}, one(readyIsNobodys, readyKeyTable+" ", func(p *patient) any {
		return fmt.Sprintf("%d, which order %d has", p.mine.ReadyKey.ID, p.order(chancery.Process))
	})},
	{"a ready key waits and is a certificate's", func(p *patient) string {
		key, err := chancery.ParsePrivateKey(string(p.mine.ReadyKey.Key.Reveal()))
		if err != nil {
			panic(err)
		}
		text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificateWith(key)})
		return fmt.Sprintf("UPDATE certificates SET pem = '%s' WHERE id = %d", text, p.mine.Certificate.ID)
	}, all(
		one(fits, "certificate ", func(p *patient) any { return fmt.Sprint(p.mine.Certificate.ID, ": differs from the CA's record") }),
		one(readyIsNobodys, readyKeyTable+" ", func(p *patient) any {
			return fmt.Sprintf("%d, which certificate %d has", p.mine.ReadyKey.ID, p.mine.Certificate.ID)
		}),
	)},
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
	{"a session's secret was moved", func(p *patient) string {
		return fmt.Sprintf("UPDATE sessions SET secret = (SELECT secret FROM sessions WHERE access_key_id = '%s') WHERE access_key_id = '%s'",
			p.theirs.Session.AccessKeyID, p.mine.Session.AccessKeyID)
	}, one(opens, sessionTable+" ", mySession)},
	{"an access key is another account's user's", func(p *patient) string {
		return fmt.Sprintf("UPDATE access_keys SET user_id = %d WHERE id = '%s'", p.theirs.User.ID, p.mine.UserKey.ID)
	}, one("an access key belongs", "access key ", myUserKey)},
	{"an access key's user is gone", func(p *patient) string {
		return fmt.Sprintf("DELETE FROM group_members WHERE user_id = %d; DELETE FROM attachments WHERE principal_id = %[1]d; DELETE FROM console_passwords WHERE user_id = %[1]d; DELETE FROM users WHERE id = %[1]d", p.mine.User.ID)
	}, one("an access key belongs", "access key ", myUserKey)},
	{"a console password's second factor was moved", func(p *patient) string {
		return fmt.Sprintf("UPDATE console_passwords SET totp = (SELECT totp FROM console_passwords WHERE user_id = %d) WHERE user_id = %d", p.theirs.User.ID, p.mine.User.ID)
	}, one(opens, consolePasswordTable+" ", func(p *patient) any { return p.mine.User.ID })},
	{"a console password is another account's", func(p *patient) string {
		return fmt.Sprintf("UPDATE console_passwords SET account_id = %d, totp = NULL WHERE user_id = %d", p.theirs.Account, p.mine.User.ID)
	}, one("a console password belongs", "console password of user ", func(p *patient) any { return p.mine.User.ID })},
	{"another account's user is in a group", func(p *patient) string {
		return fmt.Sprintf("UPDATE group_members SET user_id = %d WHERE user_id = %d", p.theirs.User.ID, p.mine.User.ID)
	}, of("user ", func(p *patient) any { return fmt.Sprintf("%d in group %d", p.theirs.User.ID, p.mine.Group.ID) })},
	{"a user is in another account's group", func(p *patient) string {
		return fmt.Sprintf("UPDATE group_members SET group_id = %d WHERE user_id = %d", p.theirs.Group.ID, p.mine.User.ID)
	}, of("user ", func(p *patient) any { return fmt.Sprintf("%d in group %d", p.mine.User.ID, p.theirs.Group.ID) })},
	{"a membership is another account's", func(p *patient) string {
		return fmt.Sprintf("UPDATE group_members SET account_id = %d WHERE user_id = %d", p.theirs.Account, p.mine.User.ID)
	}, of("user ", func(p *patient) any { return fmt.Sprintf("%d in group %d", p.mine.User.ID, p.mine.Group.ID) })},
	{"another account's user has a policy", func(p *patient) string {
		return fmt.Sprintf("UPDATE attachments SET principal_id = %d WHERE principal_id = %d", p.theirs.User.ID, p.mine.User.ID)
	}, of("policy reading of user ", func(p *patient) any { return p.theirs.User.ID })},
	{"another account's group has a policy", func(p *patient) string {
		return fmt.Sprintf("UPDATE attachments SET account_id = %d WHERE principal_id = %d", p.theirs.Account, p.mine.Group.ID)
	}, of("policy AliyunYundunCertReadOnlyAccess of group ", func(p *patient) any { return p.mine.Group.ID })},
	{"a user that has a role's policy is no role", func(p *patient) string {
		return fmt.Sprintf("UPDATE attachments SET principal_id = %d WHERE principal_id = %d", p.mine.User.ID, p.mine.Role.ID)
	}, of("policy reading of role ", func(p *patient) any { return p.mine.User.ID })},
	{"a session is of another account's role", func(p *patient) string {
		return fmt.Sprintf("UPDATE sessions SET role_id = %d WHERE access_key_id = '%s'", p.theirs.Role.ID, p.mine.Session.AccessKeyID)
	}, of("session ", mySession)},
	{"an audit line is changed", func(p *patient) string {
		return fmt.Sprintf("UPDATE audit SET code = '' WHERE account_id = %d AND seq = 2", p.mine.Account)
	}, one(chain, "account ", func(p *patient) any {
		return fmt.Sprint(p.mine.Account, ": line 2 is not what was written, or does not follow the one before")
	})},
	{"a stored CSR's key was moved", func(p *patient) string {
		return fmt.Sprintf("UPDATE csrs SET key = (SELECT key FROM csrs WHERE id = %d) WHERE id = %d", p.theirs.CSR.ID, p.mine.CSR.ID)
	}, one(opens, csrTable+" ", myCSR)},
	{
		"an upload's keys were swapped",
		sqlf("UPDATE certificates SET sign_key = encrypt_key, encrypt_key = sign_key WHERE id = %d", myUpload),
		all(one(opens, certificateTable+" ", myUpload), one(opens, certificateTable+" ", myUpload)),
	},
	{"the authority's key is another", sqlf("UPDATE authorities SET key = zeroblob(60)"), one(opens, authorityTable+" ", func(*patient) any { return "00112233445566778899aabbccddeeff" })},
	{
		"a certificate was swapped",
		func(p *patient) string {
			return fmt.Sprintf("UPDATE certificates SET pem = (SELECT pem FROM certificates WHERE id = %d) WHERE id = %d", p.theirs.Certificate.ID, p.mine.Certificate.ID)
		},
		misfit("differs from the CA's record"),
	},
	{"the CA's record is of another certificate", sqlf("UPDATE issuances SET certificate = x'30' WHERE order_id = %d", in(chancery.Issued)), misfit("differs from the CA's record")},
	{"a certificate has another serial than its row", sqlf("UPDATE certificates SET serial = '00' WHERE id = %d", myCertificate), misfit("has another serial than its row")},
	{"a certificate is for another name", func(p *patient) string {
		return fmt.Sprintf(`UPDATE orders SET names = replace(names, 'www.', 'other.') WHERE id = %d;
			UPDATE validations SET name = replace(name, 'www.', 'other.') WHERE order_id = %[1]d;
			UPDATE evidence SET name = replace(name, 'www.', 'other.') WHERE order_id = %[1]d`, p.order(chancery.Issued))
	}, all(misfit("has other names than its order"), misread(chancery.ListOrder, in(chancery.Issued)))},
	{"a certificate is no text of one", sqlf("UPDATE certificates SET pem = 'gone' WHERE id = %d", myCertificate), misfit("not PEM")},
	{"a certificate is damaged", sqlf("UPDATE certificates SET pem = replace(pem, 'MI', 'MA') WHERE id = %d", myCertificate), misfit("cannot be parsed")},
	{"a certificate's key is another, soundly sealed", func(p *patient) string {
		sealed, err := p.keyring.held().Seal(anotherKey(), place(certificateTable, p.mine.Account, p.mine.Certificate.ID))
		if err != nil {
			panic(err)
		}
		return fmt.Sprintf("UPDATE certificates SET key = x'%x' WHERE id = %d", sealed, p.mine.Certificate.ID)
	}, misfit("the key is not the certificate's")},
	{"an ACME order is of another account", func(p *patient) string {
		return fmt.Sprintf("UPDATE acme_orders SET account_id = %d WHERE order_id = %d", p.theirs.Account, p.order(chancery.DomainVerify))
	}, one("an ACME order belongs", "ACME order ", in(chancery.DomainVerify))},
	{"an ACME order has no place for the CSR", sqlf("UPDATE acme_orders SET finalize = '' WHERE order_id = %d", in(chancery.DomainVerify)), one("what a CA knows", "ACME order ", in(chancery.DomainVerify))},
	{"nobody asks what to publish", sqlf("UPDATE validations SET token = '' WHERE order_id = %d AND position = 0", in(chancery.DomainVerify)), one("an open order whose issuer", "order ", in(chancery.DomainVerify))},
	{"a CA's proof is of the embedded CA's order", sqlf("UPDATE validations SET place = 'there' WHERE order_id = %d AND position = 0", in(chancery.Process)), one("a proof of a CA's", "order ", in(chancery.Process))},
	{"a certificate was issued without a CSR", sqlf("UPDATE acme_orders SET finalized_at = 0, certificate = '' WHERE order_id = %d", in(chancery.Issued)), one("a certificate of a CA's", "certificate ", myCertificate)},
	{"two orders have one certificate", func(p *patient) string {
		return fmt.Sprintf("UPDATE certificates SET sha2 = (SELECT sha2 FROM certificates WHERE id = %d) WHERE id = %d", p.mine.Certificate.ID, p.theirs.Certificate.ID)
	}, one("two orders have not", "certificate ", func(p *patient) any { return min(p.mine.Certificate.ID, p.theirs.Certificate.ID) })},
	{"an authorization is of no order", sqlf("UPDATE acme_authorizations SET order_id = 404 WHERE order_id = %d", in(chancery.DomainVerify)), one("an authorization", "authorization https://ca.example.test/authz/", in(chancery.DomainVerify))},
	{"a renewal ends before it begins", sqlf("UPDATE renewals SET window_end = 1 WHERE order_id = %d", in(chancery.Issued)), one("a suggested renewal", "renewal of order ", in(chancery.Issued))},
	{"nobody delivers a notice", sqlf("DELETE FROM steps WHERE subject = %d", myDelivery), one("a notice is delivered", "delivery ", myDelivery)},
	{"a notice that was sent is delivered again", sqlf("UPDATE notice_deliveries SET state = 'sent' WHERE id = %d", myDelivery), one("a notice is delivered", "delivery ", myDelivery)},
	{"a notice goes to another account's target", func(p *patient) string {
		return fmt.Sprintf("UPDATE notice_deliveries SET target_id = %d WHERE id = %d", p.theirs.Target.ID, p.mine.Delivery.ID)
	}, one("a notice is delivered", "delivery ", myDelivery)},
	{"a target's URL is damaged", sqlf("UPDATE notice_targets SET url = x'00' WHERE id = %d", myTarget), one(opens, noticeTargetTable+" ", myTarget)},
	{"a target's secret took the place of its URL", sqlf("UPDATE notice_targets SET url = secret WHERE id = %d", myTarget), one(opens, noticeTargetTable+" ", myTarget)},
	{"an issuer's external key is damaged", func(*patient) string { return "UPDATE acme_issuers SET eab_key = x'00'" }, func(*patient) []Problem { return []Problem{{opens, "acme_issuers estate"}} }},
	{"an issuer's account key is damaged", func(*patient) string { return "UPDATE acme_accounts SET key = x'00'" }, func(*patient) []Problem { return []Problem{{opens, "acme_accounts estate"}} }},
}

func myDelivery(p *patient) any { return p.mine.Delivery.ID }
func myTarget(p *patient) any   { return p.mine.Target.ID }

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
	text, _, err := chancery.NewKeyAndCSR(key, chancery.Names{"leaf.example.test"})
	if err != nil {
		panic(err)
	}
	return text
}

// myRevoked is the certificate of my revoked order, mySerial the serial of the issued one.
func myRevoked(p *patient) any { return p.mine.Orders[chancery.Revoked].CertificateID }
func mySerial(p *patient) any  { return p.mine.Certificate.Serial }

// anotherAuthority is a certificate of the same name and another key.
func anotherAuthority() []byte {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return certificateWith(key)
}

// certificateWith is a certificate of an authority that has the key.
func certificateWith(key crypto.Signer) []byte {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"},
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCRLSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		panic(err)
	}
	return der
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
	checks := []string{opens, fits, lists, chain, blocks, texts, tagBlocksAreRight, tagUsesAreRight, readyIsOfAlgorithm, readyIsNobodys}
	for _, i := range slices.Concat(invariants, p.backend.checks()) {
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
	for _, table := range sealedColumns {
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
		if want := len(invariants) + len(e.backend.checks()) + len(sealedColumns) + 9; report.Checks != want {
			t.Errorf("%s: %d checks, want %d", name, report.Checks, want)
		}
	}
	report, err := newPatient(t).Examine(ctx)
	// Of each estate the issued order and the revoked one have a certificate with
	// its key, a third one without, and the upload has two keys.
	const keys, sessions, orderKeys, readyKeys, certificateKeys, csrKeys, authorities, certificates, crls, lines, acme, targets, codes = 4, 2, 2, 2, 8, 2, 1, 6, 1, 8, 2, 4, 2
	if want := keys + sessions + orderKeys + readyKeys + certificateKeys + csrKeys + authorities + certificates + crls + lines + acme + targets + codes; err != nil || report.Rows != want {
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
