package sts_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
	"chancery/sts"
)

const assume = "sts:AssumeRole"

// Who is trusted, and allowed to by its own policies, gets the role.
func TestWhoMayAssumeARole(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	stranger := env.NewAccount()
	mayAssume := testenv.Policy(testenv.Allow("*", assume))
	ada, bob := env.AsUser("ada", mayAssume), env.AsUser("bob", mayAssume)
	poor := env.AsUser("poor")
	eve := stranger.AsUser("eve", mayAssume)
	account, strange := env.Principal.ARN(), stranger.Principal.ARN()
	first := env.AsRole("first", mayAssume)
	firstRole := fmt.Sprintf("acs:ram::%d:role/first", env.Account)

	type outcome = map[*testenv.Tenant]string
	names := map[*testenv.Tenant]string{env.Tenant: "the account", ada: "ada", bob: "bob", poor: "who has no policy", stranger: "a stranger", eve: "a stranger's user", first: "a session"}
	const ok, distrusted, forbidden = "", "NoPermission", "Forbidden.RAM"
	for _, test := range []struct {
		name, trust string
		want        outcome
	}{
		{"one user", testenv.Trusting(ada.Principal.ARN()), outcome{ada: ok, bob: distrusted, env.Tenant: distrusted, poor: forbidden, stranger: distrusted, eve: distrusted, first: distrusted}},
		{"the account", testenv.Trusting(account), outcome{ada: ok, bob: ok, env.Tenant: ok, poor: forbidden, stranger: distrusted, eve: distrusted, first: ok}},
		{"another account", testenv.Trusting(strange), outcome{ada: distrusted, env.Tenant: distrusted, stranger: ok, eve: ok, first: distrusted}},
		{"another account's user", testenv.Trusting(eve.Principal.ARN()), outcome{ada: distrusted, stranger: distrusted, eve: ok}},
		{"both accounts", testenv.Trusting(account, strange), outcome{ada: ok, env.Tenant: ok, stranger: ok, eve: ok}},
		{"sessions of a role", testenv.Trusting(firstRole), outcome{ada: distrusted, env.Tenant: distrusted, first: ok}},
		{"the account but for one", testenv.Policy(
			testenv.Statement{"Effect": "Allow", "Action": assume, "Principal": map[string]any{"RAM": account}},
			testenv.Statement{"Effect": "Deny", "Action": assume, "Principal": map[string]any{"RAM": ada.Principal.ARN()}},
		), outcome{ada: distrusted, bob: ok, env.Tenant: ok}},
		{"the account from elsewhere", testenv.Policy(
			testenv.Statement{"Effect": "Allow", "Action": assume, "Principal": map[string]any{"RAM": account}}.If("IpAddress", "acs:SourceIp", "192.0.2.0/24"),
		), outcome{ada: distrusted, env.Tenant: distrusted}},
		{"the account over TLS", testenv.Policy(
			testenv.Statement{"Effect": "Allow", "Action": assume, "Principal": map[string]any{"RAM": account}}.If("Bool", "acs:SecureTransport", "true"),
		), outcome{ada: distrusted, env.Tenant: distrusted}},
	} {
		t.Run(test.name, func(t *testing.T) {
			role := env.NewRole(fmt.Sprint("role-", chancery.NewID()), test.trust)
			for who, code := range test.want {
				before := env.Count("SELECT COUNT(*) FROM sessions")
				got := who.AskForRole(role.ARN(), nil)
				made := env.Count("SELECT COUNT(*) FROM sessions") - before
				if got.Code() != code || made != map[bool]int64{true: 1}[code == ok] {
					t.Errorf("%s: %d %s, %d sessions", names[who], got.Status, got.Body, made)
				}
			}
		})
	}
}

// The own policies of who assumes may name the roles.
func TestAssumingIsAllowedRoleByRole(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	one, other := env.NewRole("one", testenv.Trusting(env.Principal.ARN())), env.NewRole("other", testenv.Trusting(env.Principal.ARN()))
	ada := env.AsUser("ada", testenv.Policy(testenv.Allow(one.ARN(), assume)))
	check(t, ada.AskForRole(one.ARN(), nil), "", 200, "")
	check(t, ada.AskForRole(other.ARN(), nil), "Forbidden.RAM", 403, "sts:AssumeRole")
	ada.Only(testenv.Policy(testenv.Allow("*", assume), testenv.Deny(one.ARN(), assume)))
	check(t, ada.AskForRole(one.ARN(), nil), "Forbidden.RAM", 403, "a policy denies it")
	check(t, ada.AskForRole(other.ARN(), nil), "", 200, "")
}

// Another account's role that does not trust the caller is answered as one that
// does not exist. Of its own account's roles a caller learns which there are.
func TestRolesOfOthersAreNotTold(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	stranger := env.NewAccount()
	theirs := stranger.NewRole("abcd", testenv.Trusting(stranger.Principal.ARN()))
	mine := env.NewRole("abcd", testenv.Trusting(stranger.Principal.ARN()))
	ada := env.AsUser("ada", testenv.Policy(testenv.Allow("*", assume)))
	for _, by := range []*testenv.Tenant{env.Tenant, ada} {
		ask := func(arn string) string {
			got := by.AskForRole(arn, nil)
			return fmt.Sprint(got.Status, strings.ReplaceAll(got.WithoutRequestID(), arn, "ARN"))
		}
		theirsExists, theirsMissing := ask(theirs.ARN()), ask(strings.Replace(theirs.ARN(), "abcd", "wxyz", 1))
		if theirsExists != theirsMissing || !strings.Contains(theirsExists, "NoPermission") {
			t.Errorf("another account's role: %s\na missing one: %s", theirsExists, theirsMissing)
		}
		if nowhere := ask("acs:ram::1234567890123456:role/abcd"); nowhere != theirsMissing {
			t.Errorf("a missing role: %s\none of no account: %s", theirsMissing, nowhere)
		}
		check(t, by.AskForRole(mine.ARN(), nil), "NoPermission", 403, "")
		check(t, by.AskForRole(strings.Replace(mine.ARN(), "abcd", "wxyz", 1), nil), "EntityNotExist.Role", 404, "wxyz")
	}
}

func TestAssumeRoleParameters(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	role := env.NewRole("role", testenv.Trusting(env.Principal.ARN())) // up to two hours
	short := env.NewRole("short", testenv.Trusting(env.Principal.ARN()))
	env.SQL("UPDATE roles SET max_session = $1 WHERE id = $2", 20*time.Minute.Milliseconds(), short.ID)
	for _, test := range []struct {
		name  string
		role  string
		with  parameters
		code  string
		lasts time.Duration
		says  string
	}{
		{"nothing further", role.ARN(), nil, "", time.Hour, ""},
		{"a role that allows less than an hour", short.ARN(), nil, "", 20 * time.Minute, ""},
		{"the shortest time", role.ARN(), parameters{"DurationSeconds": "900"}, "", 15 * time.Minute, ""},
		{"the longest time", role.ARN(), parameters{"DurationSeconds": "7200"}, "", 2 * time.Hour, ""},
		{"too short a time", role.ARN(), parameters{"DurationSeconds": "899"}, "InvalidParameter.DurationSeconds", 0, "900 to 7200"},
		{"too long a time", role.ARN(), parameters{"DurationSeconds": "7201"}, "InvalidParameter.DurationSeconds", 0, "900 to 7200"},
		{"too long a time for this role", short.ARN(), parameters{"DurationSeconds": "3600"}, "InvalidParameter.DurationSeconds", 0, "900 to 1200"},
		{"a negative time", role.ARN(), parameters{"DurationSeconds": "-1"}, "InvalidParameter.DurationSeconds", 0, ""},
		{"a time beyond all times", role.ARN(), parameters{"DurationSeconds": "9223372036854775807"}, "InvalidParameter.DurationSeconds", 0, ""},
		{"a time in words", role.ARN(), parameters{"DurationSeconds": "an hour"}, "InvalidParameter", 0, "DurationSeconds"},
		{"no role", "", nil, "MissingParameter", 0, "RoleArn"},
		{"a role without account", "acs:ram::role/role", nil, "InvalidParameter.RoleArn", 0, ""},
		{"a user in the place of a role", strings.Replace(role.ARN(), "role/", "user/", 1), nil, "InvalidParameter.RoleArn", 0, ""},
		{"a pattern of roles", strings.Replace(role.ARN(), "role/role", "role/*", 1), nil, "InvalidParameter.RoleArn", 0, ""},
		{"no session name", role.ARN(), parameters{"RoleSessionName": ""}, "MissingParameter", 0, "RoleSessionName"},
		{"a session name of one letter", role.ARN(), parameters{"RoleSessionName": "a"}, "InvalidParameter.RoleSessionName", 0, ""},
		{"a session name with a slash", role.ARN(), parameters{"RoleSessionName": "a/root"}, "InvalidParameter.RoleSessionName", 0, ""},
		{"an endless session name", role.ARN(), parameters{"RoleSessionName": strings.Repeat("a", 65)}, "InvalidParameter.RoleSessionName", 0, ""},
		{"a policy that is none", role.ARN(), parameters{"Policy": "{}"}, "InvalidParameter.PolicyGrammar", 0, ""},
		{"an endless policy", role.ARN(), parameters{"Policy": strings.Repeat(" ", 2049)}, "InvalidParameter.PolicySize", 0, "2048"},
		{"a policy", role.ARN(), parameters{"Policy": testenv.Policy(testenv.Allow("*", "*"))}, "", time.Hour, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := env.AskForRole(test.role, test.with)
			if test.code != "" {
				check(t, got, test.code, 400, test.says)
				return
			}
			var out sts.AssumeRoleOutput
			got.Decode(&out)
			if want := env.Clock.Now().Add(test.lasts).Format("2006-01-02T15:04:05Z"); out.Credentials.Expiration != want {
				t.Errorf("it ends at %s, want %s", out.Credentials.Expiration, want)
			}
			if !strings.HasPrefix(out.Credentials.AccessKeyId, "STS.") || out.AssumedRoleUser.Arn != strings.Replace(test.role, ":role/", ":assumed-role/", 1)+"/test-session" {
				t.Errorf("it is %+v", out)
			}
		})
	}
}

// Temporary credentials work under both schemes until they end, each end with its code.
func TestTemporaryCredentials(t *testing.T) {
	for name, scheme := range schemes {
		t.Run(name, func(t *testing.T) {
			env := testenv.New(t, testenv.WithoutWorker())
			role := env.NewRole("deployer", testenv.Trusting(env.Principal.ARN()), "AliyunYundunCertFullAccess")
			call := func(by *testenv.Tenant, changes ...func(*testenv.Request)) testenv.Answer {
				return by.Signed("DescribePackageState", nil, append([]func(*testenv.Request){scheme}, changes...)...)
			}
			token := func(text string) func(*testenv.Request) {
				return func(r *testenv.Request) { r.Credentials.SecurityToken = text }
			}
			session, other := env.Assume(role, nil), env.Assume(role, nil)
			check(t, call(session), "", 200, "")
			check(t, call(session, token("")), "MissingSecurityToken", 400, "")
			check(t, call(session, token(other.Token)), "InvalidSecurityToken.MismatchWithAccessKey", 400, "")
			for _, malformed := range []string{"x", session.Token[1:], session.Token + "A", strings.ToLower(session.Token[:4]) + session.Token[4:], strings.Repeat("A", 10_000)} {
				check(t, call(session, token(malformed)), "InvalidSecurityToken.Malformed", 400, "")
			}
			check(t, call(env.Tenant, token(session.Token)), "InvalidSecurityToken.MismatchWithAccessKey", 400, "")
			check(t, call(env.AsUser("ada", "AdministratorAccess"), token(session.Token)), "InvalidSecurityToken.MismatchWithAccessKey", 400, "")
			wrongSecret := func(r *testenv.Request) { r.Credentials.AccessKeySecret = []byte("guessed") }
			check(t, call(session, wrongSecret, token("x")), "SignatureDoesNotMatch", 400, "") // learns nothing of the token
			check(t, call(session, func(r *testenv.Request) { r.Credentials.AccessKeyID += "x" }), "InvalidAccessKeyId.NotFound", 404, "")

			env.Write(func(tx chancery.Tx) error { return tx.RevokeSession(env.Account, other.Key.ID, env.Clock.Now()) })
			check(t, call(other), "InvalidSecurityToken.Expired", 400, "revoked")
			check(t, call(session), "", 200, "")

			env.Clock.Advance(time.Hour - time.Second)
			check(t, call(session), "", 200, "")
			env.Clock.Advance(time.Second)
			check(t, call(session), "InvalidSecurityToken.Expired", 400, "ended at")

			last := env.Assume(role, nil)
			check(t, call(last), "", 200, "")
			env.Write(func(tx chancery.Tx) error { return tx.DeleteRole(env.Account, role.ID) })
			check(t, call(last), "InvalidAccessKeyId.NotFound", 404, "")
		})
	}
}

// A token that is added after signing, or another one, breaks the signature.
func TestTheTokenIsSigned(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	role := env.NewRole("deployer", testenv.Trusting(env.Principal.ARN()), "AliyunYundunCertFullAccess")
	session, other := env.Assume(role, nil), env.Assume(role, nil)
	exchange := func(r *testenv.Request) {
		r.Tamper = func(w *testenv.Wire) {
			w.Replace("SecurityToken", other.Token)
			if w.Header.Get("X-Acs-Security-Token") != "" {
				w.Header.Set("X-Acs-Security-Token", other.Token)
			}
		}
	}
	for name, scheme := range schemes {
		t.Run(name, func(t *testing.T) {
			check(t, session.Signed("DescribePackageState", nil, scheme, exchange), "SignatureDoesNotMatch", 400, "")
		})
	}
}

func TestRevokingARolesSessions(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	role, other := env.NewRole("one", testenv.Trusting(env.Principal.ARN()), "AdministratorAccess"), env.NewRole("other", testenv.Trusting(env.Principal.ARN()), "AdministratorAccess")
	first, second, kept := env.Assume(role, nil), env.Assume(role, nil), env.Assume(other, nil)
	env.Write(func(tx chancery.Tx) error {
		_, err := tx.RevokeSessions(env.Account, role.ID, env.Clock.Now())
		return err
	})
	for _, session := range []*testenv.Tenant{first, second} {
		check(t, session.Signed("DescribePackageState", nil), "InvalidSecurityToken.Expired", 400, "revoked")
	}
	check(t, kept.Signed("DescribePackageState", nil), "", 200, "")
	check(t, env.Assume(role, nil).Signed("DescribePackageState", nil), "", 200, "") // it can be assumed again
}

// A role of another account acts there, and its calls are in that account's log.
func TestAcrossAccounts(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 1)
	order := env.Apply("www.example.test")
	visitor := env.NewAccount()
	role := env.NewRole("guest", testenv.Trusting(visitor.Principal.ARN()), "AliyunYundunCertReadOnlyAccess")
	guest := visitor.Assume(role, nil)
	ask := parameters{"OrderId": fmt.Sprint(order)}
	check(t, guest.Signed("DescribeCertificateState", ask), "", 200, "")
	check(t, guest.Signed("CancelOrderRequest", ask), "Forbidden.RAM", 403, "assumed-role/guest/test-session")
	check(t, visitor.Signed("DescribeCertificateState", ask), "NotFoundOrder", 404, "")

	lines := env.AuditLog(chancery.AuditFilter{AccessKeyID: guest.Key.ID})
	if len(lines) != 2 || lines[0].Principal != guest.Principal.ARN() || lines[0].Resource != "order/"+ask["OrderId"] || lines[1].Code != "Forbidden.RAM" {
		t.Errorf("the account's log has %+v", lines)
	}
	if lines := visitor.AuditLog(chancery.AuditFilter{Action: assume}); len(lines) != 1 || lines[0].Resource != role.ARN() {
		t.Errorf("the visitor's log has %+v", lines)
	}
	// The role's account sees who has it, and not with which key.
	if lines := env.AuditLog(chancery.AuditFilter{Action: assume}); len(lines) != 1 || lines[0].Resource != "role/guest" ||
		lines[0].Principal != visitor.Principal.ARN() || lines[0].AccessKeyID != "" || lines[0].RequestID == "" {
		t.Errorf("the account's log of who assumed its role has %+v", lines)
	}
	check(t, visitor.AskForRole(role.ARN(), parameters{"DurationSeconds": "1"}), "InvalidParameter.DurationSeconds", 400, "")
	if lines := env.AuditLog(chancery.AuditFilter{Action: assume}); len(lines) != 1 {
		t.Errorf("a refusal is in the log of the role's account: %+v", lines[1:])
	}
}

// Nothing that AssumeRole gives out is kept in the clear or told in the log.
func TestCredentialsAreNotLogged(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	session := env.AsRole("deployer", "AdministratorAccess")
	check(t, session.Signed("DescribePackageState", nil), "", 200, "")
	check(t, session.Signed("DescribePackageState", nil, func(r *testenv.Request) { r.Credentials.SecurityToken = "x" + session.Token }), "InvalidSecurityToken.Malformed", 400, "")
	for what, secret := range map[string]string{"token": session.Token, "secret": string(session.Key.Secret.Reveal())} {
		if strings.Contains(env.Logged(), secret) {
			t.Errorf("the log has the %s", what)
		}
		if n := env.Count("SELECT COUNT(*) FROM sessions WHERE instr(secret, $1) > 0 OR instr(token_hash, $1) > 0 OR instr(policy, $1) > 0", secret); n > 0 {
			t.Errorf("the %s is stored in the clear", what)
		}
	}
}
