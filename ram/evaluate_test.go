package ram

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const account = "1234567890123456"

// order is the full name of an order.
func order(id string) string { return "acs:yundun-cert:cn-hangzhou:" + account + ":order/" + id }

func mustParse(t testing.TB, documents ...string) []Policy {
	t.Helper()
	policies := make([]Policy, len(documents))
	for i, document := range documents {
		p, err := Parse(fmt.Sprintf("p%d", i), []byte(document))
		if err != nil {
			t.Fatal(err)
		}
		policies[i] = p
	}
	return policies
}

func TestMatches(t *testing.T) {
	tests := []struct {
		pattern, text string
		want          bool
	}{
		{"", "", true}, {"", "a", false}, {"a", "", false}, {"a", "a", true}, {"a", "A", false},
		{"*", "", true}, {"*", "a:b/c", true}, {"**", "", true}, {"***", "abc", true},
		{"a*", "a", true}, {"a*", "abc", true}, {"a*", "b", false}, {"*a", "bca", true}, {"*a", "ab", false},
		{"a*b*c", "abc", true}, {"a*b*c", "aXbYbZc", true}, {"a*b*c", "acb", false},
		{"?", "", false}, {"?", "a", true}, {"?", "é", true}, {"??", "é", false}, {"*??", "é", false}, {"?", "ab", false}, {"a?c", "abc", true},
		{"*?", "", false}, {"*?", "x", true}, {"?*?", "x", false}, {"é*", "éa", true}, {"*é?b", "aéxb", true},
		{"?", "*", false}, {"a?", "a*", false}, {"*", "*", true}, {"a*", "a*", true}, {"?*", "*", false}, {"*?", "a*", false}, {"*?*", "a*", true}, {"*?*", "**", false},
		{".", "a", false}, {"[a]", "a", false}, {"a+", "aa", false},
	}
	for _, tt := range tests {
		if got := matches(tt.pattern, tt.text, false); got != tt.want {
			t.Errorf("%q against %q: %v", tt.pattern, tt.text, got)
		}
	}
	if !matches("aB*Z", "Abcz", true) || matches("k", "\u212a", true) {
		t.Error("folding is for ASCII letters, both ways")
	}
}

// Patterns made to keep a matcher busy are done with at once: these would take
// longer than the universe has if every star were tried again.
func TestMatchesIsNeverSlow(t *testing.T) {
	text := strings.Repeat("a", 5000)
	for _, pattern := range []string{
		strings.Repeat("*a", 1000) + "b",
		strings.Repeat("*a", 1000) + "*b",
		strings.Repeat("*?", 1000) + "b",
		strings.Repeat("*", 5000) + "b",
		"*" + strings.Repeat("a", 2000) + "b",
		"*" + strings.Repeat("?", 2000) + "b" + "*",
	} {
		if matches(pattern, text, false) {
			t.Errorf("%.10s... matches", pattern)
		}
	}
	if !matches(strings.Repeat("*a", 1000)+"*", text, false) {
		t.Error("a thousand stars do not match")
	}
}

func TestResources(t *testing.T) {
	none := "acs:yundun-cert:cn-hangzhou:" + account + ":*"
	tests := []struct {
		pattern, resource string
		want              bool
	}{
		{"*", order("55"), true}, {"*", none, true},
		{order("55"), order("55"), true}, {order("5?"), order("55"), true}, {order("5"), order("55"), false},
		{order("*"), order("55"), true}, {order("*"), none, false}, {order("55"), none, false},
		{"acs:yundun-cert:*:" + account + ":order*", none, false},
		{"acs:yundun-cert:*:" + account + ":?", none, false},
		{"acs:yundun-cert:*:" + account + ":*", none, true}, {"acs:yundun-cert:*:*:*", none, true}, {"acs:*:*:*:*", order("55"), true},
		{"acs:yundun-cert::" + account + ":order/55", order("55"), true},
		{"acs:yundun-cert:cn-beijing:" + account + ":order/55", order("55"), false},
		{"acs:yundun-cert:cn-*:" + account + ":order/55", order("55"), true},
		{"acs:yundun-cert:*:1:*", order("55"), false}, {"acs:yundun-cert:*:1234*:*", order("55"), true},
		{"acs:ram:*:*:*", order("55"), false}, {"acs:YUNDUN-CERT:*:*:*", order("55"), false},
		{"acs:yundun-cert:*:*:Order/55", order("55"), false},
		{"acs:ram:*:*:role/a", "acs:ram::1:role/a", true}, {"acs:ram::*:role/a", "acs:ram::1:role/a", true}, {"acs:ram:x:*:role/a", "acs:ram::1:role/a", false},
		// A wildcard stays in its part: no object can be named so that it seems to be another account's.
		{"acs:yundun-cert:*:1:*", "acs:yundun-cert:r:2:order/x:1:y", false},
		{"acs:yundun-cert:*:*:a*z", "acs:yundun-cert:r:2:a:b/c:z", true},
	}
	for _, tt := range tests {
		p := mustParse(t, in(fmt.Sprintf(`{"Effect":"Allow","Action":"*","Resource":%q}`, tt.pattern)))
		got := Evaluate(p, Request{Action: "yundun-cert:X", Resources: []string{tt.resource}}).Allowed
		if got != tt.want {
			t.Errorf("%s against %s: %v", tt.pattern, tt.resource, got)
		}
	}
}

func TestActions(t *testing.T) {
	tests := []struct {
		member, patterns, action string
		want                     bool
	}{
		{"Action", `"*"`, "yundun-cert:Sign", true},
		{"Action", `"YUNDUN-CERT:sign"`, "yundun-cert:Sign", true},
		{"Action", `"yundun-cert:Si"`, "yundun-cert:Sign", false},
		{"Action", `["yundun-cert:Si","yundun-cert:Sig?"]`, "yundun-cert:Sign", true},
		{"Action", `"yundun*:Sign"`, "yundun-cert:Sign", true},
		{"Action", `"*:Sign"`, "yundun-cert:Sign", true},
		{"NotAction", `"yundun-cert:sign"`, "yundun-cert:Sign", false},
		{"NotAction", `["ram:*","sts:*"]`, "yundun-cert:Sign", true},
		{"NotAction", `["ram:*","yundun-cert:*"]`, "yundun-cert:Sign", false},
		{"NotAction", `"*"`, "yundun-cert:Sign", false},
	}
	for _, tt := range tests {
		p := mustParse(t, in(fmt.Sprintf(`{"Effect":"Allow",%q:%s,"Resource":"*"}`, tt.member, tt.patterns)))
		if got := Evaluate(p, Request{Action: tt.action, Resources: []string{order("1")}}).Allowed; got != tt.want {
			t.Errorf("%s %s against %s: %v", tt.member, tt.patterns, tt.action, got)
		}
	}
}

func TestOperators(t *testing.T) {
	at := func(text string) Context {
		when, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return Context{Time: when}
	}
	from := func(text string) Context { return Context{SourceIP: netip.MustParseAddr(text)} }
	as := func(arn string) Context { return Context{PrincipalARN: arn} }
	noon := at("2026-01-02T12:00:00.999Z")
	tests := []struct {
		condition string
		context   Context
		want      bool
	}{
		{`{"StringEquals":{"acs:PrincipalARN":"a/B"}}`, as("a/B"), true},
		{`{"StringEquals":{"acs:PrincipalARN":"a/b"}}`, as("a/B"), false},
		{`{"StringEquals":{"acs:PrincipalARN":"*"}}`, as("a"), false},
		{`{"StringEquals":{"acs:PrincipalARN":["x","a"]}}`, as("a"), true},
		{`{"StringEquals":{"acs:PrincipalARN":"a"}}`, Context{}, false},
		{`{"StringNotEquals":{"acs:PrincipalARN":"a"}}`, as("b"), true},
		{`{"StringNotEquals":{"acs:PrincipalARN":["a","b"]}}`, as("b"), false},
		{`{"StringNotEquals":{"acs:PrincipalARN":"a"}}`, Context{}, true},
		{`{"StringEqualsIgnoreCase":{"acs:PrincipalARN":"a/b"}}`, as("a/B"), true},
		{`{"StringEqualsIgnoreCase":{"acs:PrincipalARN":"a/b"}}`, as("a/c"), false},
		{`{"StringNotEqualsIgnoreCase":{"acs:PrincipalARN":["x","a/b"]}}`, as("a/B"), false},
		{`{"StringNotEqualsIgnoreCase":{"acs:PrincipalARN":"a/b"}}`, as("c"), true},
		{`{"StringLike":{"acs:PrincipalARN":"acs:ram::*:user/a?ice"}}`, as("acs:ram::1:user/alice"), true},
		{`{"StringLike":{"acs:PrincipalARN":"acs:ram::*:user/A*"}}`, as("acs:ram::1:user/alice"), false},
		{`{"StringLike":{"acs:PrincipalARN":"*"}}`, Context{}, false},
		{`{"StringNotLike":{"acs:PrincipalARN":["x*","*alice"]}}`, as("acs:ram::1:user/alice"), false},
		{`{"StringNotLike":{"acs:PrincipalARN":"x*"}}`, as("alice"), true},
		{`{"StringNotLike":{"acs:PrincipalARN":"*"}}`, Context{}, true},

		{`{"NumericEquals":{"acs:CurrentTime":1767355200}}`, noon, true},
		{`{"NumericEquals":{"acs:CurrentTime":["1","1767355200"]}}`, noon, true},
		{`{"NumericEquals":{"acs:CurrentTime":1767355201}}`, noon, false},
		{`{"NumericNotEquals":{"acs:CurrentTime":[1,1767355200]}}`, noon, false},
		{`{"NumericNotEquals":{"acs:CurrentTime":1}}`, noon, true},
		{`{"NumericNotEquals":{"acs:CurrentTime":1}}`, Context{}, true},
		{`{"NumericLessThan":{"acs:CurrentTime":1767355200}}`, noon, false},
		{`{"NumericLessThan":{"acs:CurrentTime":1767355200.5}}`, noon, true},
		{`{"NumericLessThanEquals":{"acs:CurrentTime":1767355200}}`, noon, true},
		{`{"NumericLessThanEquals":{"acs:CurrentTime":1767355199}}`, noon, false},
		{`{"NumericGreaterThan":{"acs:CurrentTime":1767355200}}`, noon, false},
		{`{"NumericGreaterThan":{"acs:CurrentTime":1767355199}}`, noon, true},
		{`{"NumericGreaterThanEquals":{"acs:CurrentTime":1767355200}}`, noon, true},
		{`{"NumericGreaterThanEquals":{"acs:CurrentTime":0}}`, Context{}, false},

		{`{"DateEquals":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, noon, true},
		{`{"DateEquals":{"acs:CurrentTime":"2026-01-02T20:00:00+08:00"}}`, noon, true},
		{`{"DateEquals":{"acs:CurrentTime":"2026-01-02T20:00:00Z"}}`, noon, false},
		{`{"DateNotEquals":{"acs:CurrentTime":"2026-01-02T20:00:00+08:00"}}`, noon, false},
		{`{"DateNotEquals":{"acs:CurrentTime":"2026-01-02T12:00:01Z"}}`, noon, true},
		{`{"DateLessThan":{"acs:CurrentTime":"2026-01-02T12:00:01Z"}}`, noon, true},
		{`{"DateLessThan":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, noon, false},
		{`{"DateLessThan":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, Context{}, false},
		{`{"DateLessThanEquals":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, noon, true},
		{`{"DateLessThanEquals":{"acs:CurrentTime":"2026-01-02T11:59:59Z"}}`, noon, false},
		{`{"DateGreaterThan":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, noon, false},
		{`{"DateGreaterThan":{"acs:CurrentTime":["2026-01-02T11:59:59Z","2999-01-01T00:00:00Z"]}}`, noon, true},
		{`{"DateGreaterThanEquals":{"acs:CurrentTime":"2026-01-02T12:00:00Z"}}`, noon, true},
		{`{"DateGreaterThan":{"acs:CurrentTime":"2026-01-01T00:00:00Z"},"DateLessThan":{"acs:CurrentTime":"2026-01-02T00:00:00Z"}}`, noon, false},

		{`{"Bool":{"acs:SecureTransport":true}}`, Context{Secure: true}, true},
		{`{"Bool":{"acs:SecureTransport":"true"}}`, Context{}, false},
		{`{"Bool":{"acs:SecureTransport":false}}`, Context{}, true},
		{`{"Bool":{"acs:SecureTransport":["true","false"]}}`, Context{}, true},
		{`{"Bool":{"acs:MFAPresent":"true","acs:SecureTransport":"true"}}`, Context{MFA: true}, false},
		{`{"Bool":{"acs:MFAPresent":"true","acs:SecureTransport":"true"}}`, Context{MFA: true, Secure: true}, true},

		{`{"IpAddress":{"acs:SourceIp":"10.1.2.3/8"}}`, from("10.200.0.1"), true},
		{`{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}`, from("11.0.0.1"), false},
		{`{"IpAddress":{"acs:SourceIp":"10.0.0.1"}}`, from("10.0.0.1"), true},
		{`{"IpAddress":{"acs:SourceIp":"10.0.0.1"}}`, from("10.0.0.2"), false},
		{`{"IpAddress":{"acs:SourceIp":"10.0.0.0/8"}}`, from("::ffff:10.0.0.1"), true},
		{`{"IpAddress":{"acs:SourceIp":"::ffff:10.0.0.0/104"}}`, from("10.0.0.1"), true},
		{`{"IpAddress":{"acs:SourceIp":"::ffff:10.0.0.1"}}`, from("::ffff:10.0.0.1"), true},
		{`{"IpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, from("2001:db8::1"), false},
		{`{"IpAddress":{"acs:SourceIp":"::/0"}}`, from("10.0.0.1"), false},
		{`{"IpAddress":{"acs:SourceIp":"::/0"}}`, from("::ffff:10.0.0.1"), false},
		{`{"IpAddress":{"acs:SourceIp":["10.0.0.0/8","2001:db8::/32"]}}`, from("2001:db8:1::1"), true},
		{`{"IpAddress":{"acs:SourceIp":"fe80::/10"}}`, from("fe80::1%eth0"), true},
		{`{"IpAddress":{"acs:SourceIp":["0.0.0.0/0","::/0"]}}`, Context{}, false},
		{`{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8","192.0.2.0/24"]}}`, from("192.0.2.1"), false},
		{`{"NotIpAddress":{"acs:SourceIp":["10.0.0.0/8"]}}`, from("192.0.2.1"), true},
		{`{"NotIpAddress":{"acs:SourceIp":"0.0.0.0/0"}}`, from("2001:db8::1"), true},
		{`{"NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}}`, from("::ffff:10.0.0.1"), false},
		{`{"NotIpAddress":{"acs:SourceIp":["0.0.0.0/0","::/0"]}}`, Context{}, true},
	}
	asked := map[string]bool{}
	for _, tt := range tests {
		p := mustParse(t, with(tt.condition))
		got := Evaluate(p, Request{Action: "yundun-cert:X", Resources: []string{order("1")}, Context: tt.context}).Allowed
		if got != tt.want {
			t.Errorf("%s with %+v: %v", tt.condition, tt.context, got)
		}
		asked[p[0].Statements[0].Conditions[0].Operator] = true
	}
	for _, o := range operators {
		if !asked[o.name] {
			t.Errorf("%s is not tested", o.name)
		}
	}
}

func TestEvaluate(t *testing.T) {
	const (
		readers   = `{"Effect":"Allow","Action":"yundun-cert:Get*","Resource":"*"}`
		noOrder5  = `{"Effect":"Deny","Action":"*","Resource":"acs:yundun-cert:*:*:order/5"}`
		onlyCert7 = `{"Effect":"Allow","Action":"*","Resource":"acs:yundun-cert:*:*:certificate/7"}`
		office    = `{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"acs:SourceIp":"10.0.0.0/8"}}}`
	)
	get := func(resources ...string) Request {
		return Request{Action: "yundun-cert:GetX", Resources: resources, Context: Context{SourceIP: netip.MustParseAddr("10.0.0.1")}}
	}
	cert := "acs:yundun-cert:cn-hangzhou:" + account + ":certificate/7"
	abroad := get(order("4"))
	abroad.Context.SourceIP = netip.MustParseAddr("192.0.2.1")
	nowhere := get(order("4"))
	nowhere.Context.SourceIP = netip.Addr{}
	tests := []struct {
		name       string
		statements []string // each a policy
		request    Request
		want       Decision
	}{
		{"no policies", nil, get(order("5")), Decision{}},
		{"nothing matches", []string{onlyCert7}, get(order("5")), Decision{}},
		{"allowed", []string{onlyCert7, readers}, get(order("4")), Decision{Allowed: true, Policy: "p1", Statement: 1}},
		{"second statement", []string{onlyCert7 + "," + readers}, get(order("4")), Decision{Allowed: true, Policy: "p0", Statement: 2}},
		{"deny after allow", []string{readers, noOrder5}, get(order("5")), Decision{Explicit: true, Policy: "p1", Statement: 1}},
		{"deny before allow", []string{noOrder5, readers}, get(order("5")), Decision{Explicit: true, Policy: "p0", Statement: 1}},
		{"deny alone", []string{noOrder5}, get(order("5")), Decision{Explicit: true, Policy: "p0", Statement: 1}},
		{"allowed by the second name", []string{onlyCert7}, get(order("5"), cert), Decision{Allowed: true, Policy: "p0", Statement: 1}},
		{"denied by the first name", []string{onlyCert7, noOrder5}, get(order("5"), cert), Decision{Explicit: true, Policy: "p1", Statement: 1}},
		{"denied by the second name", []string{onlyCert7, noOrder5}, get(cert, order("5")), Decision{Explicit: true, Policy: "p1", Statement: 1}},
		{"from the office", []string{readers, office}, get(order("4")), Decision{Allowed: true, Policy: "p0", Statement: 1}},
		{"from abroad", []string{readers, office}, abroad, Decision{Explicit: true, Policy: "p1", Statement: 1}},
		{"from nowhere", []string{readers, office}, nowhere, Decision{Explicit: true, Policy: "p1", Statement: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			documents := make([]string, len(tt.statements))
			for i, statement := range tt.statements {
				documents[i] = in(statement)
			}
			if got := Evaluate(mustParse(t, documents...), tt.request); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

// A request that is not well formed is denied: a Deny could miss it.
func TestMalformedRequests(t *testing.T) {
	p := mustParse(t, in(plain))
	if !Evaluate(p, Request{Action: "a:b", Resources: []string{order("1")}}).Allowed {
		t.Fatal("the policy allows nothing")
	}
	for name, r := range map[string]Request{
		"no action":       {Resources: []string{order("1")}},
		"bare action":     {Action: "GetX", Resources: []string{order("1")}},
		"action pattern":  {Action: "a:*", Resources: []string{order("1")}},
		"odd action":      {Action: "a:b c", Resources: []string{order("1")}},
		"long action":     {Action: "a:" + strings.Repeat("b", maxAction), Resources: []string{order("1")}},
		"no resource":     {Action: "a:b"},
		"star":            {Action: "a:b", Resources: []string{"*"}},
		"few parts":       {Action: "a:b", Resources: []string{"acs:a:b:c"}},
		"no id":           {Action: "a:b", Resources: []string{"acs:a:b:c:"}},
		"long resource":   {Action: "a:b", Resources: []string{order(strings.Repeat("1", maxName))}},
		"second resource": {Action: "a:b", Resources: []string{order("1"), "order/1"}},
	} {
		if d := Evaluate(p, r); d != (Decision{}) {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestEvaluateTrust(t *testing.T) {
	const (
		alice    = "acs:ram::1234:user/alice"
		deployer = "acs:ram::1234:role/deployer"
		session  = "acs:ram::1234:assumed-role/deployer/build"
	)
	tests := []struct {
		name       string
		statements string
		principal  []string
		context    Context
		want       Decision
	}{
		{"whole account", trusting("acs:ram::1234:root", ""), []string{alice}, Context{}, Decision{Allowed: true, Policy: "t", Statement: 1}},
		{"account itself", trusting("acs:ram::1234:root", ""), []string{"acs:ram::1234:root"}, Context{}, Decision{Allowed: true, Policy: "t", Statement: 1}},
		{"longer account", trusting("acs:ram::1234:root", ""), []string{"acs:ram::12345:user/alice"}, Context{}, Decision{}},
		{"shorter account", trusting("acs:ram::1234:root", ""), []string{"acs:ram::123:user/alice"}, Context{}, Decision{}},
		{"exactly", trusting(alice, ""), []string{alice}, Context{}, Decision{Allowed: true, Policy: "t", Statement: 1}},
		{"other user", trusting(alice, ""), []string{alice + "2"}, Context{}, Decision{}},
		{"other case", trusting(alice, ""), []string{"acs:ram::1234:user/Alice"}, Context{}, Decision{}},
		{"a user called like a role", trusting(deployer, ""), []string{"acs:ram::1234:user/deployer"}, Context{}, Decision{}},
		{"role session", trusting(deployer, ""), []string{session, deployer}, Context{}, Decision{Allowed: true, Policy: "t", Statement: 1}},
		{"user does not trust account", trusting(alice, ""), []string{"acs:ram::1234:root"}, Context{}, Decision{}},
		{"nobody", trusting("acs:ram::1234:root", ""), nil, Context{}, Decision{}},
		{"condition fails", trusting(alice, `,"Condition":{"Bool":{"acs:MFAPresent":true}}`), []string{alice}, Context{}, Decision{}},
		{"condition holds", trusting(alice, `,"Condition":{"Bool":{"acs:MFAPresent":true}}`), []string{alice}, Context{MFA: true}, Decision{Allowed: true, Policy: "t", Statement: 1}},
		{"denied", trusting("acs:ram::1234:root", "") + `,{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"RAM":"` + alice + `"}}`, []string{alice}, Context{}, Decision{Explicit: true, Policy: "t", Statement: 2}},
		{"all denied", `{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"RAM":"*"},"Condition":{"Bool":{"acs:SecureTransport":false}}},` + trusting(alice, ""), []string{alice}, Context{}, Decision{Explicit: true, Policy: "t", Statement: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := ParseTrust("t", []byte(in(tt.statements)))
			if err != nil {
				t.Fatal(err)
			}
			if got := EvaluateTrust(p, tt.principal, tt.context); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
			if d := Evaluate([]Policy{p}, Request{Action: AssumeRole, Resources: []string{"acs:ram::1234:role/x"}}); d != (Decision{}) {
				t.Errorf("as an identity policy: %+v", d)
			}
		})
	}
	if d := EvaluateTrust(mustParse(t, in(plain))[0], []string{alice}, Context{}); d != (Decision{}) {
		t.Errorf("an identity policy trusts: %+v", d)
	}
}

func trusting(principal, more string) string {
	return `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"` + principal + `"}` + more + `}`
}

func TestSystemPoliciesAllow(t *testing.T) {
	policy := map[string][]Policy{}
	for _, s := range System() {
		policy[s.Name] = mustParse(t, s.Document)
	}
	reading := []string{"yundun-cert:DescribeCertificateState", "yundun-cert:GetUserCertificateDetail", "yundun-cert:ListUserCertificateOrder", "yundun-cert:listcsr"}
	changing := []string{"yundun-cert:ReadPrivateKey", "yundun-cert:CreateCertificateRequest", "yundun-cert:UpdateCsr", "yundun-cert:DeleteCsr", "yundun-cert:UploadCsr", "yundun-cert:CancelOrderRequest",
		"yundun-cert:RenewCertificateOrderForPackageRequest", "yundun-cert:RevokeCertificate", "yundun-cert:MoveResourceGroup", "yundun-cert:RefundInstance", "yundun-cert:ApplyCertificate",
		"yundun-cert:Sign", "yundun-cert:Verify", "yundun-cert:Encrypt", "yundun-cert:Decrypt"}
	elsewhere := []string{"ram:GetUser", "ram:CreateUser", "oss:ListBuckets"}
	assume := []string{"sts:AssumeRole"}
	for _, tt := range []struct {
		name    string
		allowed [][]string
		denied  [][]string
	}{
		{"AdministratorAccess", [][]string{reading, changing, elsewhere, assume}, nil},
		{"AliyunSTSAssumeRoleAccess", [][]string{assume}, [][]string{reading, changing, elsewhere, {"sts:GetCallerIdentity"}}},
		{"AliyunYundunCertFullAccess", [][]string{reading, changing}, [][]string{elsewhere, assume}},
		{"AliyunYundunCertReadOnlyAccess", [][]string{reading}, [][]string{changing, elsewhere, assume}},
	} {
		for i, groups := range [][][]string{tt.denied, tt.allowed} {
			for _, actions := range groups {
				for _, action := range actions {
					if got := Evaluate(policy[tt.name], Request{Action: action, Resources: []string{order("1")}}).Allowed; got != (i == 1) {
						t.Errorf("%s: %s: %v", tt.name, action, got)
					}
				}
			}
		}
	}
}
