// Package matrix holds every operation to who may call it, and on what: each row
// of every table of contents is called by everybody, on an own object, another
// account's, and one that does not exist.
package matrix

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"chancery"
	"chancery/internal/testenv"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestEveryOperationHasARow: a new operation is not served before somebody has said
// who may call it, and how it is called.
func TestEveryOperationHasARow(t *testing.T) {
	levels := []chancery.AccessLevel{chancery.AccessGet, chancery.AccessList, chancery.AccessCreate, chancery.AccessUpdate, chancery.AccessDelete}
	known := map[string]bool{}
	for _, api := range apis() {
		for _, operation := range api.Operations {
			name := api.Version + " " + operation.Name
			known[name] = true
			if len(rows[name]) == 0 && !operation.Later {
				t.Errorf("%s has no row in this package", name)
			}
			if api.RAMCode == "" {
				t.Errorf("%s has no RAM action", name)
			}
			if !slices.Contains(levels, operation.Access) {
				t.Errorf("%s has the access level %q", name, operation.Access)
			}
			if operation.Everyone && name != "2015-04-01 GetCallerIdentity" {
				t.Errorf("%s asks no policy", name)
			}
		}
	}
	for name := range rows {
		if !known[name] {
			t.Errorf("the row %s is of no operation", name)
		}
	}
}

// cell is one call of the matrix.
type cell struct {
	*world
	api       chancery.API
	operation chancery.Operation
	row       row
}

func TestMatrix(t *testing.T) {
	w := newWorld(t)
	for _, api := range apis() {
		for _, operation := range api.Operations {
			of := rows[api.Version+" "+operation.Name]
			if operation.Later {
				of = []row{{input: func(*world, string) any { return struct{}{} }}}
			}
			w.expectOnly(api.Action(operation))
			for _, r := range of {
				t.Run(strings.TrimSuffix(api.Version+" "+operation.Name+" on "+string(r.object), " on "), func(t *testing.T) {
					w.T = t
					c := cell{w, api, operation, r}
					c.byThoseAllowed(t)
					own, before := c.ours(r), ""
					if !operation.Later { // reading everything is slow
						before = c.Dump()
					}
					c.byTheDenied(t, own)
					c.byTheRefused(t, own)
					if operation.Later {
						return
					}
					if diff := cmp.Diff(before, c.Dump()); diff != "" {
						t.Errorf("denied or refused calls changed the data\n%s", diff)
					}
				})
			}
		}
	}
}

// expectOnly lets the allowed do one thing, and the denied everything else.
func (w *world) expectOnly(action string) {
	for _, tenant := range w.allowed[1:] {
		tenant.Only(testenv.Policy(testenv.Allow("*", action)))
	}
	w.denied.Only(testenv.Policy(testenv.AllowAllBut(action)))
}

// call calls the operation and gives what it answered and asked the database. An
// authenticated call has exactly one line in the audit log.
func (c cell) call(by *testenv.Tenant, object string, changes ...func(*testenv.Request)) (answer testenv.Answer, said []string) {
	input := chancery.EncodeParameters(c.row.input(c.world, object))
	said = c.Statements(func() {
		answer = by.Signed(c.operation.Name, input, append([]func(*testenv.Request){testenv.InVersion(c.api.Version)}, changes...)...)
	})
	return answer, said
}

// byThoseAllowed: the account, a user and a role's session that may do nothing but
// this get what they ask for of their own, and of others' what they get of what
// there is not.
func (c cell) byThoseAllowed(t *testing.T) {
	want, status := "", http.StatusOK
	if c.operation.Later {
		want, status = string(chancery.UnsupportedOperation), http.StatusBadRequest
	}
	for _, by := range c.allowed {
		who := by.Principal.ARN()
		if c.row.object != none {
			c.strangers(t, by)
		}
		object := c.ours(c.row)
		before := c.lastLine()
		got, _ := c.call(by, object)
		if got.Code() != want || got.Status != status {
			t.Errorf("%s: %d %s", who, got.Status, got.Body)
		}
		lines := c.AuditLog(chancery.AuditFilter{After: before})
		if len(lines) != 1 || lines[0].RequestID != got.Header.Get("X-Acs-Request-Id") || lines[0].Principal != who || lines[0].Action != c.api.Action(c.operation) || string(lines[0].Code) != want || lines[0].AccessKeyID != by.Key.ID {
			t.Errorf("%s: the audit log has %+v", who, lines)
		}
	}
}

// lastLine is the number of the newest line in our audit log.
func (w *world) lastLine() int64 {
	return w.Count("SELECT lines FROM audit_ends WHERE account_id = $1", w.Account)
}

// strangers compares the answers about another account's object and about none.
func (c cell) strangers(t *testing.T, by *testenv.Tenant) {
	t.Helper()
	foreign := c.another(c.row.object)
	nobody := missing(c.row.object, foreign)
	theirs, saidOfTheirs := c.call(by, foreign)
	none, saidOfNone := c.call(by, nobody)
	if diff := cmp.Diff(bare(none, nobody), bare(theirs, foreign)); diff != "" {
		t.Errorf("%s: another account's id is not answered like a missing one (- missing, + another's)\n%s", by.Principal.ARN(), diff)
	}
	if diff := cmp.Diff(saidOfNone, saidOfTheirs); diff != "" {
		t.Errorf("%s: another account's id is not looked for like a missing one (- missing, + another's)\n%s", by.Principal.ARN(), diff)
	}
	if theirs.Status == http.StatusOK && c.operation.Access != chancery.AccessList {
		t.Errorf("%s: another account's id is answered with %s", by.Principal.ARN(), theirs.Body)
	}
}

// bare is an answer without what differs between two requests by themselves.
func bare(a testenv.Answer, object string) string {
	request := a.Header.Get("X-Acs-Request-Id")
	header := a.Header.Clone() // the length is that of the body, in which ids may be of several lengths
	for _, name := range []string{"X-Acs-Request-Id", "X-Acs-Trace-Id", "Date", "Content-Length"} {
		header.Del(name)
	}
	return strings.NewReplacer(request, "REQUEST", base64.StdEncoding.EncodeToString([]byte(request)), "REQUEST", object, "OBJECT").
		Replace(fmt.Sprintln(a.Status, header, a.Body))
}

// onTheTrail are the statements that write what every call leaves.
var onTheTrail = regexp.MustCompile(`(INSERT INTO|UPDATE) (nonces|audit|audit_ends) `)

// denial is the body of one.
type denial struct {
	Code               string
	AccessDeniedDetail map[string]string
}

// byTheDenied: who may do everything else gets the same denial whatever is asked
// for.
func (c cell) byTheDenied(t *testing.T, own string) {
	objects := []string{own, c.another(c.row.object), missing(c.row.object, own)}
	if c.operation.Everyone {
		if got, _ := c.call(c.denied, own); got.Status != http.StatusOK {
			t.Errorf("everyone may call it: %s", got.Body)
		}
		return
	}
	log, nonces := c.lastLine(), c.Count("SELECT COUNT(*) FROM nonces")
	first, saidFirst := c.call(c.denied, objects[0])
	c.checkDenial(t, first)
	for _, statement := range saidFirst {
		if !strings.Contains(statement, "SELECT ") && statement != "BEGIN" && !onTheTrail.MatchString(statement) {
			t.Errorf("a denied call writes: %s", statement)
		}
	}
	for _, object := range objects[1:] {
		got, said := c.call(c.denied, object)
		if diff := cmp.Diff(bare(first, own), bare(got, object)); diff != "" && c.row.object != role { // a role is named in full, account and all
			t.Errorf("the denial tells an own object from another (- own, + other)\n%s", diff)
		}
		if diff := cmp.Diff(saidFirst, said); diff != "" {
			t.Errorf("the denial looks for an own object otherwise than for another (- own, + other)\n%s", diff)
		}
	}
	n := int64(len(objects))
	if got := c.Count("SELECT COUNT(*) FROM nonces") - nonces; got != n {
		t.Errorf("%d denied calls left %d nonces", n, got)
	}
	lines := c.AuditLog(chancery.AuditFilter{After: log})
	for _, line := range lines {
		if line.Code != "Forbidden.RAM" || line.Principal != c.denied.Principal.ARN() || line.KeyRead {
			t.Errorf("the audit log has %+v", line)
		}
	}
	if len(lines) != len(objects) {
		t.Errorf("%d denied calls have %d lines", len(objects), len(lines))
	}
}

func (c cell) checkDenial(t *testing.T, got testenv.Answer) {
	t.Helper()
	var body denial
	if err := json.Unmarshal([]byte(got.Body), &body); err != nil || got.Status != http.StatusForbidden || body.Code != "Forbidden.RAM" {
		t.Fatalf("got %d %s, %v", got.Status, got.Body, err)
	}
	request := got.Header.Get("X-Acs-Request-Id")
	want := map[string]string{
		"AuthAction": c.api.Action(c.operation), "AuthPrincipalType": "SubUser", "AuthPrincipalOwnerId": fmt.Sprint(c.Account),
		"AuthPrincipalDisplayName": "denied", "NoPermissionType": "ImplicitDeny", "PolicyType": "AccountLevelIdentityBasedPolicy",
		"EncodedDiagnosticMessage": base64.StdEncoding.EncodeToString([]byte(request)),
	}
	if diff := cmp.Diff(want, body.AccessDeniedDetail); diff != "" {
		t.Errorf("AccessDeniedDetail (- wanted, + got)\n%s", diff)
	}
}

// byTheRefused: who does not prove who they are learns which part of that is
// wrong, whatever they ask for, and leaves nothing.
func (c cell) byTheRefused(t *testing.T, own string) {
	objects := []string{own, c.another(c.row.object), missing(c.row.object, own)}
	if c.row.object == none {
		objects = objects[:1]
	}
	log, nonces := c.lastLine(), c.Count("SELECT COUNT(*) FROM nonces")
	for _, refusal := range c.refused {
		var saidFirst []string
		for i, object := range objects {
			got, said := c.call(refusal.as, object, refusal.change)
			if got.Code() != refusal.code {
				t.Errorf("%s: %d %s, want %s", refusal.who, got.Status, got.Body, refusal.code)
			}
			if i == 0 {
				saidFirst = said
			}
			if diff := cmp.Diff(saidFirst, said); diff != "" {
				t.Errorf("%s: the database is asked otherwise for another object\n%s", refusal.who, diff)
			}
		}
	}
	if c.lastLine() != log || c.Count("SELECT COUNT(*) FROM nonces") != nonces {
		t.Error("refused calls left nonces or audit lines")
	}
}
