package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/rpc"
)

// linesOf gives the lines that the audit log has of an answer's request.
func linesOf(by *testenv.Tenant, got testenv.Answer) []chancery.AuditLine {
	return by.AuditLog(chancery.AuditFilter{RequestID: got.Header.Get("X-Acs-Request-Id")})
}

// A line tells who, with which key, from where, what, on what and what came of it.
func TestAuditLine(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 9)
	order := fmt.Sprint(env.Apply("www.example.test"))
	ask := map[string]string{"OrderId": order}
	for name, test := range map[string]struct {
		by     *testenv.Tenant
		action string
		with   map[string]string
		want   chancery.AuditLine
	}{
		"the account": {env.Tenant, "DescribeCertificateState", ask, chancery.AuditLine{Resource: "order/" + order}},
		"a user":      {env.AsUser("ada", "AliyunYundunCertFullAccess"), "DescribeCertificateState", ask, chancery.AuditLine{Resource: "order/" + order}},
		"a role":      {env.AsRole("deployer", "AliyunYundunCertFullAccess"), "DescribeCertificateState", ask, chancery.AuditLine{Resource: "order/" + order}},
		"the denied":  {env.AsUser("bob"), "DescribeCertificateState", ask, chancery.AuditLine{Resource: "order/" + order, Code: "Forbidden.RAM"}},
		"of nothing":  {env.Tenant, "DescribePackageState", nil, chancery.AuditLine{}},
		"of what there is not": {
			env.Tenant, "DescribeCertificateState", map[string]string{"OrderId": "404"}, chancery.AuditLine{Resource: "order/404", Code: "NotFoundOrder"},
		},
		"without a parameter": {env.Tenant, "CreateContact", nil, chancery.AuditLine{Code: "MissingParameter"}},
		"of what is later":    {env.Tenant, "Sign", nil, chancery.AuditLine{Code: "UnsupportedOperation"}},
	} {
		for way, change := range map[string]change{"V1": v1Get, "V3": v3Post} {
			t.Run(name+", "+way, func(t *testing.T) {
				got := test.by.Signed(test.action, test.with, change)
				lines := linesOf(env.Tenant, got)
				if len(lines) != 1 {
					t.Fatalf("the audit log has %+v", lines)
				}
				want := test.want
				want.AccountID, want.Seq, want.Hash, want.At = env.Account, lines[0].Seq, lines[0].Hash, env.Clock.Now()
				want.RequestID, want.Principal, want.AccessKeyID = got.Header.Get("X-Acs-Request-Id"), test.by.Principal.ARN(), test.by.Key.ID
				want.Address, want.Action = "127.0.0.1", "yundun-cert:"+test.action
				if diff := cmp.Diff(want, lines[0]); diff != "" || string(want.Code) != got.Code() {
					t.Errorf("(- wanted, + is) of %s\n%s", got.Body, diff)
				}
			})
		}
	}
}

// A line names what a Create made; one that made nothing names nothing.
func TestAuditNamesWhatWasMade(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	upload := testenv.NewChain(t, "up.example.test", env.Clock.Now().AddDate(0, 1, 0))
	company := map[string]string{
		"CompanyName": "Example", "CompanyType": "1", "CompanyCode": "9133", "CompanyPhone": "139", "CompanyAddress": "1 Road", "PostCode": "310000",
		"CountryCode": "CN", "Province": "Zhejiang", "City": "Hangzhou", "Lang": "en",
	}
	for _, test := range []struct {
		action     string
		parameters map[string]string
		kind, id   string
	}{
		{"CreateCertificateRequest", chancery.EncodeParameters(testenv.Application("www.example.test")), "order", "OrderId"},
		{"CreateContact", map[string]string{"Name": "Ada", "Mobile": "139"}, "contact", "ContactId"},
		{"CreateCompany", company, "company", "CompanyId"},
		{"UploadUserCertificate", map[string]string{"Name": "up", "Cert": upload.Full(), "Key": upload.Key}, "certificate", "CertId"},
	} {
		t.Run(test.action, func(t *testing.T) {
			got := env.Signed(test.action, test.parameters)
			want := test.kind + "/" + got.Fields()[test.id]
			if lines := linesOf(env.Tenant, got); len(lines) != 1 || lines[0].Resource != want || lines[0].Code != "" {
				t.Errorf("the audit log has %+v, want one line of %s", lines, want)
			}
		})
	}
	refused := env.Signed("CreateCertificateRequest", chancery.EncodeParameters(testenv.Application("other.example.test")))
	check(t, refused, "NotRemainCount", 404, "")
	if lines := linesOf(env.Tenant, refused); len(lines) != 1 || lines[0].Resource != "" || lines[0].Code != "NotRemainCount" {
		t.Errorf("the audit log has %+v of an application that was refused", lines)
	}
}

// Whatever comes of a call, it has one line, with the code that was answered.
func TestFailuresAreAudited(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	for _, action := range []string{"Echo", "Internal", "Wrapped", "Unlisted", "Unavailable", "Panic", "Unwritable", "Demand"} {
		t.Run(action, func(t *testing.T) {
			got := env.Signed(action, nil, inLaboratory, known, func(r *testenv.Request) { r.Options.Nonce += action })
			lines := linesOf(env.Tenant, got)
			if len(lines) != 1 || string(lines[0].Code) != got.Code() || strings.Contains(fmt.Sprint(lines), inner) {
				t.Errorf("%d %s; the audit log has %+v", got.Status, got.Body, lines)
			}
			again := env.Signed(action, nil, inLaboratory, known, func(r *testenv.Request) { r.Options.Nonce += action })
			check(t, again, "SignatureNonceUsed", 400, "")
			if lines := linesOf(env.Tenant, again); len(lines) != 0 {
				t.Errorf("a replay has %+v", lines)
			}
		})
	}
	before := len(env.AuditLog())
	check(t, env.Signed("Echo", nil, inLaboratory, func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }), "SignatureDoesNotMatch", 400, "")
	if after := len(env.AuditLog()); after != before {
		t.Error("a forged call has a line")
	}
}

// writing is a product whose operations write with the request's trail.
func writing(store func() chancery.Store) chancery.API {
	write := func(ctx context.Context, caller chancery.Caller, times int) error {
		for i := range times {
			err := rpc.WithTrails(store()).Write(ctx, func(tx chancery.Tx) error {
				return tx.AddContact(chancery.Contact{ID: chancery.NewID(), AccountID: caller.AccountID, Name: fmt.Sprint(i)})
			})
			if err != nil {
				return err
			}
		}
		return nil
	}
	row := func(name string, times int, then func() error) chancery.Operation {
		return chancery.Bind(name, chancery.AccessCreate, "", func(ctx context.Context, caller chancery.Caller, _ *struct{}) (*struct{}, error) {
			if err := write(ctx, caller, times); err != nil {
				return nil, err
			}
			return &struct{}{}, then()
		})
	}
	fine := func() error { return nil }
	return chancery.API{Product: "writing", Version: version, Operations: []chancery.Operation{
		row("Once", 1, fine), row("Twice", 2, fine),
		row("ThenFails", 1, func() error { return errors.New(inner) }),
		row("ThenPanics", 1, func() error { panic(inner) }),
	}}
}

// The line commits with the first thing that is written. If the call fails after
// that, what was written stays and a second line says what was answered.
func TestTheLineCommitsWithTheEffect(t *testing.T) {
	var env *testenv.Env
	env = testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(writing(func() chancery.Store { return env.Store })))
	for _, test := range []struct {
		action  string
		effects int64
		codes   []chancery.Code
	}{
		{"Once", 1, []chancery.Code{""}},
		{"Twice", 2, []chancery.Code{""}},
		{"ThenFails", 1, []chancery.Code{"", "InternalError"}},
		{"ThenPanics", 1, []chancery.Code{"", "InternalError"}},
	} {
		t.Run(test.action, func(t *testing.T) {
			before := env.Count("SELECT COUNT(*) FROM contacts")
			got := env.Signed(test.action, nil, inLaboratory)
			var codes []chancery.Code
			for _, line := range linesOf(env.Tenant, got) {
				codes = append(codes, line.Code)
			}
			if diff := cmp.Diff(test.codes, codes); diff != "" || string(codes[len(codes)-1]) != got.Code() {
				t.Errorf("answered %s; the codes of its lines (- wanted, + are)\n%s", got.Body, diff)
			}
			if made := env.Count("SELECT COUNT(*) FROM contacts") - before; made != test.effects {
				t.Errorf("%d contacts were made", made)
			}
		})
	}
}

// failingInserts has the database refuse rows of a table until mend is called.
func failingInserts(env *testenv.Env, table string) (mend func()) {
	env.SQL("CREATE TRIGGER refuse BEFORE INSERT ON " + table + " BEGIN SELECT RAISE(ABORT, 'the disk is full'); END")
	return func() { env.SQL("DROP TRIGGER refuse") }
}

// Without its line nothing has an effect, nothing is answered, and the request is
// good for another time.
func TestNothingHappensWithoutItsLine(t *testing.T) {
	env := testenv.New(t)
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Issue("www.example.test")
	ada := env.AsUser("ada", "AliyunYundunCertFullAccess")
	env.Settle()
	for _, by := range []*testenv.Tenant{env.Tenant, ada} {
		for action, parameters := range map[string]map[string]string{
			"CreateContact":            {"Name": "Ada", "Mobile": "139"},
			"DescribeCertificateState": {"OrderId": fmt.Sprint(order)},
			"ListContact":              nil,
		} {
			t.Run(action, func(t *testing.T) {
				once := func(r *testenv.Request) { r.Options.Nonce = action + by.Key.ID }
				before := env.Dump()
				mend := failingInserts(env, "audit")
				got := by.Signed(action, parameters, once)
				mend()
				check(t, got, "InternalError", http.StatusInternalServerError, "")
				if strings.Contains(got.Body, "PRIVATE KEY") || strings.Contains(got.Body, "CERTIFICATE") || strings.Contains(got.Body, "disk") {
					t.Errorf("it answered %s", got.Body)
				}
				if env.Dump() != before || len(linesOf(by, got)) != 0 {
					t.Error("it had an effect")
				}
				check(t, by.Signed(action, parameters, once), "", 200, "")
			})
		}
	}
}

// A line without its effect does not say that there was one.
func TestNoLineOfWhatDidNotHappen(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	defer failingInserts(env, "contacts")()
	got := env.Signed("CreateContact", map[string]string{"Name": "Ada", "Mobile": "139"})
	check(t, got, "InternalError", 500, "")
	lines := linesOf(env.Tenant, got)
	if len(lines) != 1 || lines[0].Code != "InternalError" || lines[0].Resource != "" {
		t.Errorf("the audit log has %+v", lines)
	}
}

// Callers at once have each their line, in one chain (which the doctor checks).
func TestLinesOfManyAtOnce(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	const callers = 24
	seen := map[string]bool{}
	for _, got := range atOnce(callers, func() testenv.Answer { return env.Call("DescribePackageState", cas.DescribePackageStateInput{}) }) {
		check(t, got, "", 200, "")
		seen[got.Header.Get("X-Acs-Request-Id")] = true
	}
	for i, line := range env.AuditLog() {
		if line.Seq != int64(i+1) {
			t.Errorf("line %d has the number %d", i+1, line.Seq)
		}
		delete(seen, line.RequestID)
	}
	if len(seen) > 0 {
		t.Errorf("%d calls have no line", len(seen))
	}
}
