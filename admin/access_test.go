package admin

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chancery"
)

const (
	readOrders = `{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "yundun-cert:Describe*", "Resource": "acs:yundun-cert:*:*:order/*"}]}`
	denyKeys   = `{"Version": "1", "Statement": [{"Effect": "Deny", "Action": "yundun-cert:ReadPrivateKey", "Resource": "*"}]}`
	atOffice   = `{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "yundun-cert:ListCsr", "Resource": "*", "Condition": {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}}]}`
	overTLS    = `{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "yundun-cert:ListContact", "Resource": "*", "Condition": {"Bool": {"acs:SecureTransport": true}, "DateLessThan": {"acs:CurrentTime": "2027-01-01T00:00:00Z"}}}]}`
)

func pointer[T any](v T) *T { return &v }

// callAboutAccess makes each call about who may do what; both ways see what one made.
func callAboutAccess(t *testing.T, i *instance, caller Caller, account chancery.AccountID, call func(string) string) {
	t.Helper()
	name := func(name string) Named { return Named{account, name} }
	all := AccountName{account}
	user := must[User](t, caller, call("user.create"), NewUser{account, "ada", "Ada"})
	must[Group](t, caller, call("group.create"), name("ops"))
	user.Groups, user.Policies, user.AccessKeys = []string{"ops"}, []string{"read-orders"}, 1
	group := must[Group](t, caller, call("group.add-user"), Membership{account, "ops", "ada"})
	policy := must[Policy](t, caller, call("policy.create"), NewPolicy{account, "read-orders", "orders", denyKeys})
	policy = must[Policy](t, caller, call("policy.update"), PolicyChange{AccountID: account, Name: policy.Name, Document: pointer(readOrders)})
	policy = must[Policy](t, caller, call("policy.attach"), Attachment{AccountID: account, Policy: policy.Name, User: "ada"})
	role := must[Role](t, caller, call("role.create"), NewRole{AccountID: account, Name: "deployer", Trust: Trusted{User: "ada"}})
	role = must[Role](t, caller, call("role.update"), RoleChange{AccountID: account, Name: role.Name, MaxSessionSeconds: 7200})
	key := must[AccessKey](t, caller, "accesskey.create", NewAccessKey{AccountID: account, User: "ada"})
	session := i.addSession(t, account, "deployer")
	i.addSession(t, account, "deployer")
	role.Sessions = 2
	for other, caller := range i.ways() {
		same(t, other+" the user", must[UserLogin](t, caller, call("user.show"), Named{account, user.Name}).User, user)
		same(t, other+" users", must[[]User](t, caller, call("user.list"), all), []User{user})
		same(t, other+" groups", must[[]Group](t, caller, call("group.list"), all), []Group{group})
		same(t, other+" policy", must[Policy](t, caller, call("policy.show"), name("read-orders")), policy)
		same(t, other+" role", must[Role](t, caller, call("role.show"), name("deployer")), role)
		verdict := must[Verdict](t, caller, call("policy.simulate"), Simulation{AccountID: account, User: "ada", Action: "DescribeCertificateState", Resources: []string{"order/5"}})
		if !verdict.Allowed || verdict.Policy != "read-orders" || verdict.Statement != 1 || !slices.Equal(verdict.Through, []string{"user ada"}) {
			t.Errorf("%s the verdict is %+v", other, verdict)
		}
		listed := policy
		listed.Document = ""
		policies := must[[]Policy](t, caller, call("policy.list"), all)
		same(t, other+" the last policy", policies[len(policies)-1], listed)
		short := role
		short.Trust = ""
		same(t, other+" roles", must[[]Role](t, caller, call("role.list"), all), []Role{short})
		if sessions := must[[]Session](t, caller, call("session.list"), all); len(sessions) != 2 || sessions[0].Role != "deployer" || sessions[0].RevokedAt != nil {
			t.Errorf("%s the sessions are %+v", other, sessions)
		}
		if keys := must[[]AccessKey](t, caller, "accesskey.list", all); len(keys) != 2 || keys[1].User != "ada" && keys[0].User != "ada" {
			t.Errorf("%s the keys are %+v", other, keys)
		}
	}
	signedOut := theConsole(t, i, caller, account, key.ID, call)
	if ended := must[Session](t, caller, call("session.revoke"), AccessKeyName{account, session}); ended.RevokedAt == nil {
		t.Errorf("the session is %+v", ended)
	}
	same(t, "the revoked", must[RevokedSessions](t, caller, call("role.revoke"), name("deployer")), RevokedSessions{account, "deployer", 1})
	must[Role](t, caller, call("role.delete"), name("deployer"))
	must[Policy](t, caller, call("policy.detach"), Attachment{AccountID: account, Policy: policy.Name, User: "ada"})
	must[Policy](t, caller, call("policy.delete"), name("read-orders"))
	must[Group](t, caller, "group.add-user", Membership{account, "ops", "ada"}) // it is so already
	must[Group](t, caller, call("group.remove-user"), Membership{account, "ops", "ada"})
	must[Group](t, caller, call("group.delete"), name("ops"))
	gone := must[DeletedUser](t, caller, call("user.delete"), name("ada"))
	same(t, "what went with the user", gone, DeletedUser{account, "ada", []string{key.ID}, []string{}, []string{}})
	same(t, "the operator's lines", i.audited(t, caller, call("audit.read"), account), []string{
		"CreateAccount ", "CreateAccessKey accesskey/*", "GrantPlan plan/*", "CreateUser user/ada", "CreateGroup group/ops",
		"AddUserToGroup group/ops/user/ada", "CreatePolicy policy/read-orders", "UpdatePolicy policy/read-orders",
		"AttachPolicy user/ada/policy/read-orders", "CreateRole role/deployer", "UpdateRole role/deployer", "CreateAccessKey accesskey/*",
		"MakeOperator ", "EndOperator ", "SetConsolePassword user/ada", "SetConsoleSecondFactor user/ada", "CreateConsoleLink accesskey/*",
		"SignOut consolesession/" + signedOut,
		"RevokeSession role/deployer/session/" + session, "RevokeRole role/deployer", "DeleteRole role/deployer",
		"DetachPolicy user/ada/policy/read-orders", "DeletePolicy policy/read-orders", "RemoveUserFromGroup group/ops/user/ada",
		"DeleteGroup group/ops", "DeleteUser user/ada",
	})
}

// addSession has somebody use a role and gives the access key id.
func (i *instance) addSession(t *testing.T, account chancery.AccountID, role string) (id string) {
	t.Helper()
	err := i.Store.Write(ctx, func(tx chancery.Tx) error {
		r, err := tx.Role(account, role)
		if err != nil {
			return err
		}
		session, _ := chancery.NewSession(r, noon)
		session.Name, session.Source, session.ExpiresAt = "nightly", "acs:ram::1:user/ada", noon.Add(time.Hour)
		id = session.AccessKeyID
		return tx.AddSession(session)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// audited gives action and resource of an account's lines, with "*" for ids that
// are drawn. All must be the operator's.
func (i *instance) audited(t *testing.T, caller Caller, call string, account chancery.AccountID) (lines []string) {
	t.Helper()
	for _, l := range must[AuditLines](t, caller, call, AuditQuery{AccountID: account}).Lines {
		if l.Principal != chancery.Operator || l.Address != "" || l.AccessKeyID != "" || l.Code != "" || !l.Time.Equal(noon) {
			t.Errorf("a line is %+v", l)
		}
		for _, drawn := range []string{"accesskey/", "plan/"} {
			if strings.HasPrefix(l.Resource, drawn) {
				l.Resource = drawn + "*"
			}
		}
		lines = append(lines, strings.TrimPrefix(l.Action, "chancery:")+" "+l.Resource)
	}
	return lines
}

// TestRefusalsAboutAccess makes calls that must fail, and looks that they left nothing.
func TestRefusalsAboutAccess(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	other := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	for _, account := range []chancery.AccountID{account, other} {
		must[User](t, i.Admin, "user.create", NewUser{account, fmt.Sprintf("u%d", account), ""})
	}
	ada := fmt.Sprintf("u%d", account)
	stranger := fmt.Sprintf("u%d", other)
	must[Group](t, i.Admin, "group.create", Named{account, "ops"})
	must[Policy](t, i.Admin, "policy.create", NewPolicy{account, "held", "", readOrders})
	must[Policy](t, i.Admin, "policy.attach", Attachment{AccountID: account, Policy: "held", Group: "ops"})
	must[Role](t, i.Admin, "role.create", NewRole{AccountID: account, Name: "deployer", Trust: Trusted{Account: other}})
	revoked := i.addSession(t, account, "deployer")
	must[Session](t, i.Admin, "session.revoke", AccessKeyName{account, revoked})
	before := i.audited(t, i.Admin, "audit.read", account)
	role := func(change func(*NewRole)) NewRole {
		r := NewRole{AccountID: account, Name: "new", Trust: Trusted{User: ada}}
		change(&r)
		return r
	}
	simulate := func(change func(*Simulation)) Simulation {
		s := Simulation{AccountID: account, User: ada, Action: "ListCsr"}
		change(&s)
		return s
	}
	for _, c := range []struct {
		call string
		in   any
		why  string
	}{
		{"user.create", NewUser{account, ada, ""}, "there is a user " + ada + " already"},
		{"user.create", NewUser{account, "a b", ""}, "user: a name has 1 to 64 letters"},
		{"user.create", NewUser{account, "eve", "two\nlines"}, "display name: up to 256 characters"},
		{"user.create", NewUser{account, "eve", strings.Repeat("x", 257)}, "display name: up to 256 characters"},
		{"policy.create", NewPolicy{account, "new", "\x1b[2J", readOrders}, "description: up to 256 characters"},
		{"policy.update", PolicyChange{AccountID: account, Name: "held", Description: pointer("\t")}, "description: up to 256 characters"},
		{"role.create", role(func(r *NewRole) { r.Description = "\n" }), "description: up to 256 characters"},
		{"role.update", RoleChange{AccountID: account, Name: "deployer", Description: pointer("\n")}, "description: up to 256 characters"},
		{"user.create", NewUser{404, "ada", ""}, "there is no account 404"},
		{"user.create", NewUser{0, "ada", ""}, "there are 2 accounts"},
		{"user.delete", Named{account, stranger}, "there is no user " + stranger + " in this account; `chancery user list` shows them"},
		{"accesskey.create", NewAccessKey{AccountID: account, User: stranger}, "there is no user " + stranger},
		{"group.create", Named{account, "ops"}, "there is a group ops already"},
		{"group.create", Named{account, ""}, "group: a name has"},
		{"group.delete", Named{other, "ops"}, "there is no group ops"},
		{"group.add-user", Membership{account, "ops", stranger}, "there is no user " + stranger},
		{"group.add-user", Membership{account, "none", ada}, "there is no group none in this account; `chancery group list`"},
		{"group.remove-user", Membership{account, "ops", ada}, "is not in group ops"},
		{"policy.create", NewPolicy{account, "held", "", readOrders}, "there is a policy held already"},
		{"policy.create", NewPolicy{account, "AdministratorAccess", "", readOrders}, "is built in"},
		{"policy.create", NewPolicy{account, "a/b", "", readOrders}, "policy: a name has"},
		{"policy.create", NewPolicy{account, "new", "", "{}"}, `policy new: Version must be "1"`},
		{"policy.create", NewPolicy{account, "new", "", strings.Replace(readOrders, "Allow", "Permit", 1)}, "policy new: Statement 1: "},
		{"policy.update", PolicyChange{AccountID: account, Name: "held"}, "name a document or a description"},
		{"policy.update", PolicyChange{AccountID: account, Name: "held", Document: pointer("")}, "policy held: the policy document is not JSON"},
		{"policy.update", PolicyChange{AccountID: other, Name: "held", Document: pointer(readOrders)}, "there is no policy held"},
		{"policy.update", PolicyChange{AccountID: account, Name: "AdministratorAccess", Document: pointer(readOrders)}, "is built in"},
		{"policy.show", Named{other, "held"}, "there is no policy held in this account; `chancery policy list`"},
		{"policy.delete", Named{account, "held"}, "policy held is in use: group ops; take it away first with `chancery policy detach`"},
		{"policy.delete", Named{account, "AdministratorAccess"}, "is built in"},
		{"policy.attach", Attachment{AccountID: account, Policy: "held"}, "name one user, group or role"},
		{"policy.attach", Attachment{AccountID: account, Policy: "held", User: ada, Role: "deployer"}, "name one user, group or role"},
		{"policy.attach", Attachment{AccountID: account, Policy: "none", User: ada}, "there is no policy none"},
		{"policy.attach", Attachment{AccountID: account, Policy: "held", User: stranger}, "there is no user"},
		{"policy.attach", Attachment{AccountID: account, Policy: "held", Group: "none"}, "there is no group none"},
		{"policy.attach", Attachment{AccountID: account, Policy: "held", Role: "none"}, "there is no role none"},
		{"policy.detach", Attachment{AccountID: account, Policy: "held", User: ada}, "does not have policy held; who has it: group ops"},
		{"policy.detach", Attachment{AccountID: account, Policy: "AdministratorAccess", User: ada}, "who has it: nobody"},
		{"role.create", role(func(r *NewRole) { r.Name = "deployer" }), "there is a role deployer already"},
		{"role.create", role(func(r *NewRole) { r.Name = "a*" }), "role: a name has"},
		{"role.create", role(func(r *NewRole) { r.Trust = Trusted{} }), "say who may assume the role"},
		{"role.create", role(func(r *NewRole) { r.Trust.Account = account }), "say in one way who may assume"},
		{"role.create", role(func(r *NewRole) { r.Trust = Trusted{User: stranger} }), "there is no user"},
		{"role.create", role(func(r *NewRole) { r.Trust = Trusted{Account: 404} }), "there is no account 404"},
		{"role.create", role(func(r *NewRole) { r.Trust = Trusted{Document: readOrders} }), "the trust policy of role new: Statement 1"},
		{"role.create", role(func(r *NewRole) { r.MaxSessionSeconds = 60 }), "may be allowed to last 15m to 12h, not 1m"},
		{"role.create", role(func(r *NewRole) { r.MaxSessionSeconds = 86400 }), "15m to 12h, not 24h"},
		{"role.update", RoleChange{AccountID: account, Name: "deployer"}, "name a description, a trust or a longest session"},
		{"role.update", RoleChange{AccountID: account, Name: "deployer", MaxSessionSeconds: -1}, "15m to 12h, not -1s"},
		{"role.update", RoleChange{AccountID: account, Name: "deployer", Trust: Trusted{User: "none"}}, "there is no user none"},
		{"role.show", Named{other, "deployer"}, "there is no role deployer in this account; `chancery role list`"},
		{"role.delete", Named{other, "deployer"}, "there is no role deployer"},
		{"role.revoke", Named{other, "deployer"}, "there is no role deployer"},
		{"session.revoke", AccessKeyName{other, revoked}, "there is no session " + revoked},
		{"session.revoke", AccessKeyName{account, revoked}, "was revoked already, at 2026-11-23T12:00:00Z"},
		{"policy.simulate", simulate(func(s *Simulation) { s.Role = "deployer" }), "name a user or a role"},
		{"policy.simulate", simulate(func(s *Simulation) { s.User = stranger }), "there is no user"},
		{"policy.simulate", simulate(func(s *Simulation) { s.Action = "DescribeCertState" }), "or yundun-cert:DescribeCertificateState?"},
		{"policy.simulate", simulate(func(s *Simulation) { s.Action = "ecs:Zzzzzzzz" }), "there is no action ecs:Zzzzzzzz; docs/operations.md lists them"},
		{"policy.simulate", simulate(func(s *Simulation) { s.Resources = []string{"ordre/5"} }), `"ordre/5" is no resource; write certificate/ID, company/ID, contact/ID, csr/ID, order/ID`},
		{"policy.simulate", simulate(func(s *Simulation) { s.Resources = []string{"acs:order/5"} }), "is no resource"},
		{"policy.simulate", simulate(func(s *Simulation) { s.Action, s.Resources = "sts:AssumeRole", []string{"deployer"} }), "is no role; write role/NAME"},
		{"audit.read", AuditQuery{AccountID: account, Action: "ListCrs"}, "there is no action yundun-cert:ListCrs; is it"},
		{"audit.read", AuditQuery{AccountID: account, Principal: "ada"}, `"ada" names no principal; write user/NAME`},
	} {
		for way, caller := range i.ways() {
			var out any
			if err := caller.Call(ctx, c.call, c.in, &out); err == nil || !strings.Contains(err.Error(), c.why) {
				t.Errorf("%s %+v %s: %v, %v; want %q", c.call, c.in, way, out, err, c.why)
			}
		}
	}
	same(t, "the audit log", i.audited(t, i.Admin, "audit.read", account), before)
}

// TestWhatSimulationsSay looks at what decides, in words.
func TestWhatSimulationsSay(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	must[User](t, i.Admin, "user.create", NewUser{Name: "ada"})
	must[User](t, i.Admin, "user.create", NewUser{Name: "bob"})
	must[Group](t, i.Admin, "group.create", Named{Name: "ops"})
	must[Group](t, i.Admin, "group.add-user", Membership{Group: "ops", User: "ada"})
	must[Role](t, i.Admin, "role.create", NewRole{Name: "deployer", Trust: Trusted{User: "ada"}})
	for name, document := range map[string]string{"read-orders": readOrders, "deny-keys": denyKeys, "office": atOffice, "tls": overTLS} {
		must[Policy](t, i.Admin, "policy.create", NewPolicy{Name: name, Document: document})
	}
	for _, a := range []Attachment{
		{Policy: "read-orders", User: "ada"}, {Policy: "office", User: "ada"}, {Policy: "tls", User: "ada"},
		{Policy: "deny-keys", Group: "ops"}, {Policy: "AliyunYundunCertFullAccess", Role: "deployer"},
		{Policy: "AliyunSTSAssumeRoleAccess", User: "ada"}, {Policy: "AliyunSTSAssumeRoleAccess", User: "bob"},
	} {
		must[Policy](t, i.Admin, "policy.attach", a)
	}
	const unsaid = "it depends on where the call comes from, which was not said"
	for _, c := range []struct {
		in     Simulation
		allow  bool
		reason string
		note   string
	}{
		{Simulation{User: "ada", Action: "describecertificatestate", Resources: []string{"order/5"}}, true, "statement 1 of policy read-orders, which user ada has", ""},
		{Simulation{User: "ada", Action: "DescribeCertificateState"}, false, "no policy of user ada allows it", ""},
		{Simulation{User: "ada", Action: "GetUserCertificateDetail", Resources: []string{"certificate/5"}}, false, "no policy of user ada allows it", ""},
		{Simulation{User: "ada", Action: "ReadPrivateKey", Resources: []string{"certificate/5", "order/5"}}, false, "statement 1 of policy deny-keys, which group ops has, denies it", ""},
		{Simulation{User: "ada", Action: "ListCsr"}, false, "no policy of user ada allows it", unsaid},
		{Simulation{User: "ada", Action: "ListCsr", SourceIP: addr("192.0.2.7")}, true, "statement 1 of policy office, which user ada has", ""},
		{Simulation{User: "ada", Action: "ListCsr", SourceIP: addr("203.0.113.7")}, false, "no policy of user ada allows it", ""},
		{Simulation{User: "ada", Action: "ListContact"}, false, "no policy of user ada allows it", ""},
		{Simulation{User: "ada", Action: "ListContact", Secure: true}, true, "statement 1 of policy tls, which user ada has", ""},
		{Simulation{User: "ada", Action: "ListContact", Secure: true, Time: noon.AddDate(1, 0, 0)}, false, "no policy of user ada allows it", ""},
		{Simulation{User: "bob", Action: "sts:GetCallerIdentity"}, true, "everyone may do it; no policy is asked", ""},
		{Simulation{Role: "deployer", Action: "ReadPrivateKey", Resources: []string{"order/5"}}, true, "statement 1 of policy AliyunYundunCertFullAccess, which role deployer has", ""},
		{Simulation{User: "ada", Action: "sts:AssumeRole", Resources: []string{"role/deployer"}}, true, "role deployer trusts it by statement 1 of its trust policy", ""},
		{Simulation{User: "bob", Action: "sts:AssumeRole", Resources: []string{"role/deployer"}}, false, "role deployer does not trust acs:ram::", ""},
		{Simulation{User: "bob", Action: "sts:AssumeRole", Resources: []string{"role/none"}}, false, "there is no role none", ""},
		{Simulation{Role: "deployer", Action: "sts:AssumeRole", Resources: []string{"role/deployer"}}, false, "no policy of role deployer allows it", ""},
	} {
		verdict := must[Verdict](t, i.socket, "policy.simulate", c.in)
		if verdict.Allowed != c.allow || !strings.Contains(verdict.Reason, c.reason) || strings.Join(verdict.Notes, "") != c.note {
			t.Errorf("%+v: %+v", c.in, verdict)
		}
		if want := fmt.Sprintf("acs:ram::%d:", account); !strings.HasPrefix(verdict.Principal, want) {
			t.Errorf("the principal is %s", verdict.Principal)
		}
	}
}

func TestLength(t *testing.T) {
	for d, want := range map[time.Duration]string{
		time.Hour: "1h", 90 * time.Minute: "1h30m", 15 * time.Minute: "15m", 10 * time.Minute: "10m", 20 * time.Hour: "20h", 61 * time.Second: "1m1s", 0: "0s",
	} {
		if got := Length(d); got != want {
			t.Errorf("%s is %s", d, got)
		}
	}
}

// theConsole makes the calls about who signs in to the console as ada, and how.
func theConsole(t *testing.T, i *instance, caller Caller, account chancery.AccountID, key string, call func(string) string) (signedOut string) {
	t.Helper()
	if made := must[Account](t, caller, call("account.operator"), Operator{account, true}); !made.Operator {
		t.Errorf("the account is %+v", made)
	}
	must[Account](t, caller, call("account.operator"), Operator{account, false})
	must[Nothing](t, caller, call("user.password"), Password{account, "ada", "correct horse battery"})
	if made := must[NewFactor](t, caller, call("user.totp"), SecondFactor{AccountID: account, Name: "ada"}); !strings.HasPrefix(made.URL, "otpauth://totp/Chancery:ada@") {
		t.Errorf("the second factor is %q", made.URL)
	}
	if made := must[ConsoleLink](t, caller, call("console.link"), AccessKeyName{account, key}); made.AccessKeyID != key || !strings.HasPrefix(made.URL, "/console/welcome?token=") {
		t.Errorf("the link is %+v", made)
	}
	_, hash := chancery.NewConsoleToken()
	err := i.Store.Write(ctx, func(tx chancery.Tx) error {
		user, err := tx.User(account, "ada")
		if err != nil {
			return err
		}
		return tx.AddConsoleSession(chancery.ConsoleSession{IDHash: hash, AccountID: account, UserID: user.ID, CreatedAt: noon, SeenAt: noon, ExpiresAt: noon.Add(time.Hour)})
	})
	if err != nil {
		t.Fatal(err)
	}
	all := must[[]ConsoleSession](t, caller, call("console.sessions"), AccountName{account})
	if len(all) != 1 || all[0].Who != "ada" {
		t.Fatalf("the sessions are %+v", all)
	}
	same(t, "the ended", must[[]ConsoleSession](t, caller, call("console.sign-out"), SignOut{AccountID: account, ID: all[0].ID}), all)
	signedOut = all[0].ID
	if err := caller.Call(ctx, "console.sign-out", SignOut{AccountID: account, User: "ada"}, &all); err == nil || !strings.Contains(err.Error(), "nobody is signed in") {
		t.Errorf("signing out nobody: %v", err)
	}
	return signedOut
}
