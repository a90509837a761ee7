package rpc_test

import (
	"fmt"
	"testing"
	"time"

	"chancery"
	"chancery/internal/testenv"
)

const (
	describeAction = "yundun-cert:DescribeCertificateState"
	listAction     = "yundun-cert:ListContact"
)

// estate is an account with two orders and somebody who may do nothing yet.
type estate struct {
	*testenv.Env
	one, other int64
	ada        *testenv.Tenant
}

func newEstate(t *testing.T) estate {
	t.Helper()
	e := estate{Env: testenv.New(t, testenv.WithoutWorker())}
	e.Grant(chancery.DefaultProduct, 5)
	e.one, e.other = e.Apply("one.example.test"), e.Apply("other.example.test")
	e.ada = e.AsUser("ada")
	return e
}

// named is an order as policies name it.
func (e estate) named(order int64) string {
	return fmt.Sprintf("acs:yundun-cert:*:%d:order/%d", e.Account, order)
}

// may compares what somebody may do, in words, with what they should.
func (e estate) may(t *testing.T, by *testenv.Tenant, want string) {
	t.Helper()
	got := ""
	for _, call := range []struct {
		word, action string
		order        int64
	}{{"one ", "DescribeCertificateState", e.one}, {"other ", "DescribeCertificateState", e.other}, {"list ", "ListContact", 0}} {
		parameters := map[string]string{}
		if call.order != 0 {
			parameters["OrderId"] = fmt.Sprint(call.order)
		}
		answer := by.Signed(call.action, parameters)
		switch answer.Code() {
		case "":
			got += call.word
		case "Forbidden.RAM":
		default:
			t.Errorf("%s: %s", call.action, answer.Body)
		}
	}
	if got != want {
		t.Errorf("may see %q, want %q", got, want)
	}
}

// What policies say holds in the API; that they are understood rightly is shown in
// package ram.
func TestPolicies(t *testing.T) {
	e := newEstate(t)
	one, other := e.named(e.one), e.named(e.other)
	for _, test := range []struct {
		name       string
		statements []testenv.Statement
		may        string
	}{
		{"all", []testenv.Statement{testenv.Allow("*", "*")}, "one other list "},
		{"one action", []testenv.Statement{testenv.Allow("*", listAction)}, "list "},
		{"an action by a pattern", []testenv.Statement{testenv.Allow("*", "yundun-cert:Desc*State")}, "one other "},
		{"all but an action", []testenv.Statement{testenv.AllowAllBut(listAction)}, "one other "},
		{"another product's actions", []testenv.Statement{testenv.Allow("*", "sts:*", "ecs:*")}, ""},
		{"one order", []testenv.Statement{testenv.Allow(one, "yundun-cert:*")}, "one "},
		{"two orders", []testenv.Statement{testenv.Allow(one, describeAction), testenv.Allow(other, describeAction)}, "one other "},
		{"all orders", []testenv.Statement{testenv.Allow(fmt.Sprintf("acs:yundun-cert:*:%d:order/*", e.Account), "yundun-cert:*")}, "one other "},
		{"all of the account", []testenv.Statement{testenv.Allow(fmt.Sprintf("acs:yundun-cert:*:%d:*", e.Account), "yundun-cert:*")}, "one other list "},
		{"all of another account", []testenv.Statement{testenv.Allow(fmt.Sprintf("acs:yundun-cert:*:%d:*", e.Account+1), "yundun-cert:*")}, ""},
		{"all but one order", []testenv.Statement{testenv.Allow("*", "*"), testenv.Deny(one, "*")}, "other list "},
		{"a Deny that comes first", []testenv.Statement{testenv.Deny(one, "*"), testenv.Allow("*", "*"), testenv.Allow(one, describeAction)}, "other list "},
		{"from here", []testenv.Statement{testenv.Allow("*", "*").If("IpAddress", "acs:SourceIp", "127.0.0.1/32")}, "one other list "},
		{"from elsewhere", []testenv.Statement{testenv.Allow("*", "*").If("IpAddress", "acs:SourceIp", "192.0.2.0/24")}, ""},
		{"all but from here", []testenv.Statement{testenv.Allow("*", "*"), testenv.Deny("*", "*").If("IpAddress", "acs:SourceIp", "127.0.0.1/32")}, ""},
		{"over TLS", []testenv.Statement{testenv.Allow("*", "*").If("Bool", "acs:SecureTransport", "true")}, ""},
		{"not over TLS", []testenv.Statement{testenv.Allow("*", listAction).If("Bool", "acs:SecureTransport", "false")}, "list "},
		{"as somebody", []testenv.Statement{testenv.Allow("*", "*").If("StringEquals", "acs:PrincipalARN", e.ada.Principal.ARN())}, "one other list "},
		{"as somebody else", []testenv.Statement{testenv.Allow("*", "*").If("StringEquals", "acs:PrincipalARN", "acs:ram::1:user/ada")}, ""},
		{"with a second factor", []testenv.Statement{testenv.Allow("*", "*").If("Bool", "acs:MFAPresent", "true")}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			e.ada.Only(testenv.Policy(test.statements...))
			e.may(t, e.ada, test.may)
		})
	}
}

// A policy ends to hold, or begins, with the clock.
func TestPoliciesWithTimes(t *testing.T) {
	e := newEstate(t)
	noon := e.Clock.Now().Add(time.Hour)
	stamp := noon.Format(time.RFC3339)
	until, since := e.AsUser("until", testenv.Policy(testenv.Allow("*", listAction).If("DateLessThan", "acs:CurrentTime", stamp))),
		e.AsUser("since", testenv.Policy(testenv.Allow("*", listAction).If("DateGreaterThanEquals", "acs:CurrentTime", stamp)))
	e.may(t, until, "list ")
	e.may(t, since, "")
	e.Clock.Set(noon.Add(-time.Second))
	e.may(t, until, "list ")
	e.may(t, since, "")
	e.Clock.Set(noon)
	e.may(t, until, "")
	e.may(t, since, "list ")
}

// What groups have counts, and a Deny of any of them wins.
func TestPoliciesOfGroups(t *testing.T) {
	e := newEstate(t)
	all := testenv.Policy(testenv.Allow("*", "*"))
	readers := e.ada.InGroup("readers", all)
	e.may(t, e.ada, "one other list ")
	e.may(t, e.AsUser("bob"), "")
	blocked := e.ada.InGroup("blocked", testenv.Policy(testenv.Deny(e.named(e.one), "*")))
	e.may(t, e.ada, "other list ")
	e.ada.Attach(all)
	e.may(t, e.ada, "other list ")
	e.Write(func(tx chancery.Tx) error { return tx.RemoveMember(e.Account, blocked.ID, e.ada.Principal.ID) })
	e.may(t, e.ada, "one other list ")
	e.ada.Detach()
	e.may(t, e.ada, "one other list ")
	e.Write(func(tx chancery.Tx) error { return tx.DeleteGroup(e.Account, readers.ID) })
	e.may(t, e.ada, "")
}

// The next call feels every change.
func TestChangesHoldAtOnce(t *testing.T) {
	e := newEstate(t)
	list := func(by *testenv.Tenant, code string, status int) {
		t.Helper()
		check(t, by.Signed("ListContact", nil), code, status, "")
	}
	all, none := testenv.Policy(testenv.Allow("*", "*")), testenv.Policy(testenv.Deny("*", "*"))
	list(e.ada, "Forbidden.RAM", 403)
	e.ada.Attach(all)
	list(e.ada, "", 200)
	e.ada.Attach(none)
	list(e.ada, "Forbidden.RAM", 403)
	e.ada.Only("AliyunYundunCertReadOnlyAccess")
	list(e.ada, "", 200)
	e.ada.Detach()
	list(e.ada, "Forbidden.RAM", 403)

	changing := e.AsUser("changing", all)
	list(changing, "", 200)
	e.Write(func(tx chancery.Tx) error {
		policies, err := tx.PoliciesOf(changing.Principal)
		if err != nil {
			return err
		}
		return tx.UpdatePolicy(chancery.PolicyDocument{AccountID: e.Account, Name: policies[0].Policy, Document: none, UpdatedAt: e.Clock.Now()})
	})
	list(changing, "Forbidden.RAM", 403)

	leaving := e.AsUser("leaving", all)
	list(leaving, "", 200)
	e.Write(func(tx chancery.Tx) error { return tx.DeleteUser(e.Account, leaving.Principal.ID) })
	list(leaving, "InvalidAccessKeyId.NotFound", 404)

	session := e.AsRole("role", all)
	list(session, "", 200)
	session.Detach()
	list(session, "Forbidden.RAM", 403)
	session.Attach(all)
	list(session, "", 200)
	e.Write(func(tx chancery.Tx) error { return tx.DeleteRole(e.Account, session.Principal.ID) })
	list(session, "InvalidAccessKeyId.NotFound", 404)
}

// A session's policy narrows what its role may do, and gives nothing.
func TestSessionPolicies(t *testing.T) {
	e := newEstate(t)
	trust := testenv.Trusting(e.Principal.ARN())
	wide, narrow := e.NewRole("wide", trust, testenv.Policy(testenv.Allow("*", "*"))), e.NewRole("narrow", trust, testenv.Policy(testenv.Allow("*", listAction)))
	for _, test := range []struct {
		name   string
		role   chancery.Role
		policy string
		may    string
	}{
		{"none", wide, "", "one other list "},
		{"to one order", wide, testenv.Policy(testenv.Allow(e.named(e.one), "*")), "one "},
		{"to all but one order", wide, testenv.Policy(testenv.Allow("*", "*"), testenv.Deny(e.named(e.one), "*")), "other list "},
		{"to another product", wide, testenv.Policy(testenv.Allow("*", "ecs:*")), ""},
		{"to more than the role has", narrow, testenv.Policy(testenv.Allow("*", "*")), "list "},
		{"to what the role lacks", narrow, testenv.Policy(testenv.Allow("*", describeAction)), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			with := map[string]string{}
			if test.policy != "" {
				with["Policy"] = test.policy
			}
			e.may(t, e.Assume(test.role, with), test.may)
		})
	}
}

// Who may not make the call learns nothing about its parameters.
func TestDeniedBeforeParameters(t *testing.T) {
	e := newEstate(t)
	for _, parameters := range []map[string]string{nil, {"OrderId": "x"}, {"OrderId": "99999999999999999999"}, {"Extra": "1"}} {
		check(t, e.ada.Signed("DescribeCertificateState", parameters), "Forbidden.RAM", 403, "")
	}
	check(t, e.ada.Signed("CreateContact", nil), "Forbidden.RAM", 403, "")
	e.ada.Attach("AliyunYundunCertFullAccess")
	check(t, e.ada.Signed("DescribeCertificateState", nil), "MissingParameter", 400, "OrderId")
	check(t, e.ada.Signed("DescribeCertificateState", map[string]string{"OrderId": "x"}), "InvalidParameter", 400, "OrderId")
}

// An explicit denial says so, and says no more of the policy.
func TestExplicitDenial(t *testing.T) {
	e := newEstate(t)
	e.ada.Attach(testenv.Policy(testenv.Allow("*", "*"), testenv.Deny(e.named(e.one), describeAction)))
	got := e.ada.Signed("DescribeCertificateState", map[string]string{"OrderId": fmt.Sprint(e.one)})
	check(t, got, "Forbidden.RAM", 403, "a policy denies it")
	if !contains(got.Body, `"NoPermissionType":"ExplicitDeny"`) {
		t.Errorf("it answers %s", got.Body)
	}
	if detail := e.AsRole("role").Signed("ListContact", nil); !contains(detail.Body, `"AuthPrincipalType":"AssumedRoleUser"`) || !contains(detail.Body, `"AuthPrincipalDisplayName":"role:test-session"`) {
		t.Errorf("a role gets %s", detail.Body)
	}
}
