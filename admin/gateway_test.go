package admin

import (
	"net/netip"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/internal/testenv"
	"chancery/sts"
)

func addr(text string) netip.Addr { return netip.MustParseAddr(text) }

// asUser makes a user with policies and gives the tenant that signs with its key.
func asUser(t *testing.T, env *testenv.Env, a *Admin, name string, policies ...string) *testenv.Tenant {
	t.Helper()
	must[User](t, a, "user.create", NewUser{Name: name})
	for _, policy := range policies {
		must[Policy](t, a, "policy.attach", Attachment{Policy: policy, User: name})
	}
	key := chancery.NewAccessKey(env.Account, env.Clock.Now())
	env.Read(func(tx chancery.Tx) error {
		user, err := tx.User(env.Account, name)
		key.UserID = user.ID
		return err
	})
	return env.AddKey(key)
}

// TestSimulationsAgreeWithTheGateway asks both about the same calls.
func TestSimulationsAgreeWithTheGateway(t *testing.T) {
	env := testenv.New(t)
	a := &Admin{Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock}
	env.Grant(chancery.DefaultProduct, 2)
	order, other := env.Issue("www.example.test"), env.Apply("shop.example.test")
	must[Policy](t, a, "policy.create", NewPolicy{Name: "read-orders", Document: readOrders})
	must[Policy](t, a, "policy.create", NewPolicy{Name: "deny-keys", Document: denyKeys})
	must[Policy](t, a, "policy.create", NewPolicy{Name: "office", Document: atOffice})
	must[Policy](t, a, "policy.create", NewPolicy{Name: "only-one", Document: `{"Version": "1", "Statement": [
		{"Effect": "Allow", "Action": "yundun-cert:*", "Resource": "` + orderARN(env.Account, order) + `"}]}`})
	users := map[string]*testenv.Tenant{
		"nobody":   asUser(t, env, a, "nobody"),
		"reader":   asUser(t, env, a, "reader", "read-orders"),
		"one":      asUser(t, env, a, "one", "only-one"),
		"office":   asUser(t, env, a, "office", "office", "AliyunSTSAssumeRoleAccess"),
		"full":     asUser(t, env, a, "full", "AliyunYundunCertFullAccess", "AliyunSTSAssumeRoleAccess"),
		"keyless":  asUser(t, env, a, "keyless", "AliyunYundunCertFullAccess", "deny-keys"),
		"readonly": asUser(t, env, a, "readonly", "AliyunYundunCertReadOnlyAccess"),
	}
	must[Role](t, a, "role.create", NewRole{Name: "deployer", Trust: Trusted{User: "full"}})
	simulate := func(user, action string, resources ...string) bool {
		return must[Verdict](t, a, "policy.simulate", Simulation{
			User: user, Action: action, Resources: resources, SourceIP: addr("127.0.0.1"),
		}).Allowed
	}
	allowed := map[bool]int{}
	agree := func(what, user string, simulated, did bool) {
		t.Helper()
		allowed[did]++
		if simulated != did {
			t.Errorf("%s by %s: the simulation says %t, the gateway %t", what, user, simulated, did)
		}
	}
	for user, tenant := range users {
		for _, id := range []int64{order, other} {
			name := orderName(chancery.OrderID(id))
			answer := tenant.Call("DescribeCertificateState", cas.DescribeCertificateStateInput{OrderId: id})
			agree("reading "+name, user, simulate(user, "DescribeCertificateState", name), answer.Code() == "")
			if id == order && answer.Code() == "" {
				_, withKey := answer.Fields()["PrivateKey"]
				agree("reading its key", user, simulate(user, chancery.ReadPrivateKey, name), withKey)
			}
		}
		agree("listing CSRs", user, simulate(user, "ListCsr"), tenant.Call("ListCsr", cas.ListCsrInput{}).Code() == "")
		answer := tenant.Signed("AssumeRole", map[string]string{
			"RoleArn": chancery.Role{AccountID: env.Account, Name: "deployer"}.ARN(), "RoleSessionName": "nightly",
		}, func(r *testenv.Request) { r.Options.Version = sts.Version })
		agree("assuming a role", user, simulate(user, "sts:AssumeRole", "role/deployer"), answer.Code() == "")
	}
	if allowed[true] < 8 || allowed[false] < 8 {
		t.Errorf("too little was asked: %v", allowed)
	}

	// What callers did and the operator changed stands in one log.
	refused := must[AuditLines](t, a, "audit.read", AuditQuery{Principal: "user/nobody", Refused: true, Action: "ListCsr"}).Lines
	if len(refused) != 1 || refused[0].Code != "Forbidden.RAM" || refused[0].Address != "127.0.0.1" || refused[0].RequestID == "" {
		t.Errorf("the refused lines are %+v", refused)
	}
	for _, line := range must[AuditLines](t, a, "audit.read", AuditQuery{KeyReads: true}).Lines {
		if line.Resource != orderName(chancery.OrderID(order)) || line.AccessKeyID == "" || !line.KeyRead {
			t.Errorf("a key was read: %+v", line)
		}
	}
	made := must[AuditLines](t, a, "audit.read", AuditQuery{Principal: "operator", Action: "chancery:CreateUser"}).Lines
	if len(made) != len(users) {
		t.Errorf("users were made: %+v", made)
	}
	if session := must[[]Session](t, a, "session.list", AccountName{}); len(session) != 1 || session[0].Name != "nightly" || session[0].Role != "deployer" {
		t.Errorf("the sessions are %+v", session)
	}
}

func orderARN(account chancery.AccountID, order int64) string {
	return chancery.API{RAMCode: "yundun-cert", Region: cas.DefaultRegion}.FullName(account, orderName(chancery.OrderID(order)))
}

// TestLinesOfRevocationsAndReviews looks at what the operator does to orders.
func TestLinesOfRevocationsAndReviews(t *testing.T) {
	env := testenv.New(t)
	a := &Admin{Store: env.Store, Catalogue: env.Catalogue, Clock: env.Clock}
	env.Grant(chancery.DefaultProduct, 3)
	bySerial, rest := env.Issue("one.example.test"), env.Issue("two.example.test")
	var serial string
	env.Read(func(tx chancery.Tx) error {
		c, err := tx.CertificateOfOrder(env.Account, chancery.OrderID(bySerial))
		serial = c.Serial
		return err
	})
	own, err := env.CA.ServerCertificate(t.Context(), []string{"localhost"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	done := must[RevokedCertificates](t, a, "certificate.revoke", RevokeCertificates{Serials: []string{chancery.SerialHex(own.Leaf.SerialNumber)}})
	if done.Revoked != 1 {
		t.Errorf("the service's own certificate: %+v", done)
	}
	for range 2 { // the second time nothing changes
		must[RevokedCertificates](t, a, "certificate.revoke", RevokeCertificates{Serials: []string{serial}})
		must[RevokedCertificates](t, a, "certificate.revoke", RevokeCertificates{AccountID: env.Account})
	}
	lines := must[AuditLines](t, a, "audit.read", AuditQuery{Action: "chancery:RevokeCertificate"}).Lines
	if len(lines) != 2 || lines[0].Resource != orderName(chancery.OrderID(bySerial)) || lines[1].Resource != orderName(chancery.OrderID(rest)) {
		t.Errorf("the lines are %+v", lines)
	}
}

// TestAuditPages reads a log that takes more than one call.
func TestAuditPages(t *testing.T) {
	i := newInstance(t)
	account := must[Account](t, i.Admin, "account.create", NewAccount{}).ID
	const lines = 2*AuditBatch + 7
	err := i.Store.Write(ctx, func(tx chancery.Tx) error {
		for range lines - 1 {
			if err := i.record(tx, account, "Test", ""); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ask, read := AuditQuery{}, int64(0)
	for more := true; more; {
		page := must[AuditLines](t, i.socket, "audit.read", ask)
		for _, l := range page.Lines {
			if read++; l.Seq != read {
				t.Fatalf("line %d comes as %d", l.Seq, read)
			}
		}
		more, ask.After = page.More, read
	}
	if read != lines {
		t.Errorf("%d lines were read, not %d", read, lines)
	}
}
