package ram

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"chancery"
)

// in puts a statement in a document.
func in(statement string) string { return `{"Version":"1","Statement":[` + statement + `]}` }

const plain = `{"Effect":"Allow","Action":"*","Resource":"*"}`

// with is a plain statement with a condition.
func with(condition string) string {
	return in(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + condition + `}`)
}

func TestParse(t *testing.T) {
	p, err := Parse("office", []byte(`{"Version":"1","Statement":[
		{"Effect":"Allow","Action":["yundun-cert:Describe*","yundun-cert:List*"],"Resource":"*",
		 "Condition":{"IpAddress":{"acs:sourceip":["203.0.113.0/24","2001:db8::1"]},"Bool":{"ACS:MFAPRESENT":true}}},
		{"Effect":"Deny","NotAction":"yundun-cert:Get?","Resource":["acs:yundun-cert::1234567890123456:order/*"]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	first, second := p.Statements[0], p.Statements[1]
	if p.Name != "office" || first.Effect != Allow || second.Effect != Deny || len(p.Statements) != 2 {
		t.Errorf("parsed as %+v", p)
	}
	if got := first.Actions; !reflect.DeepEqual(got, []string{"yundun-cert:Describe*", "yundun-cert:List*"}) {
		t.Errorf("actions %q", got)
	}
	if got := second.NotActions; !reflect.DeepEqual(got, []string{"yundun-cert:Get?"}) || second.Actions != nil {
		t.Errorf("not-actions %q, actions %q", got, second.Actions)
	}
	c := first.Conditions
	if len(c) != 2 || c[0].Operator != "IpAddress" || c[0].Key != "acs:SourceIp" || c[1].Key != "acs:MFAPresent" || c[1].Values[0] != "true" {
		t.Errorf("conditions %+v", c)
	}
}

func TestParseTakesOneStatement(t *testing.T) {
	if _, err := Parse("p", []byte(`{"Statement":`+plain+`,"Version":"1"}`)); err != nil {
		t.Error(err)
	}
}

// Every refusal names its place and what is allowed instead.
func TestParseRefuses(t *testing.T) {
	tests := []struct{ name, document, message string }{
		{"nothing", ``, "not JSON"},
		{"no object", `[]`, "a policy document must be an object, not a list"},
		{"null", `null`, "must be an object, not null"},
		{"cut off", `{"Version":"1"`, "not JSON"},
		{"trailing data", in(plain) + `x`, "not JSON"},
		{"second document", in(plain) + in(plain), "not JSON"},
		{"trailing comma", `{"Version":"1","Statement":[` + plain + `,]}`, "not JSON"},
		{"byte order mark", "\ufeff" + in(plain), "not JSON"},
		{"not UTF-8", in(`{"Effect":"Allow","Action":"*","Resource":"acs:a:b:c:` + "\xff" + `"}`), "not UTF-8"},
		{"half a surrogate pair", in(`{"Effect":"Allow","Action":"*","Resource":"acs:a:b:c:\ud800"}`), "cannot be printed"},
		{"control character", in(`{"Effect":"Allow","Action":"*","Resource":"acs:a:b:c:\u0000"}`), "cannot be printed"},
		{"text direction", with(`{"StringEquals":{"acs:PrincipalARN":"` + "\u202e" + `"}}`), "cannot be printed"},
		{"too long", in(plain) + strings.Repeat(" ", maxCharacters), "at most 6144 characters"},
		{"far too long", strings.Repeat("x", 10*maxCharacters), "at most 6144 characters"},
		{"nested", strings.Repeat("[", 1000) + strings.Repeat("]", 1000), "nested deeper than 8"},
		{"many members", manyMembers(), "more than 32 members"},

		{"no version", `{"Statement":[` + plain + `]}`, `Version must be "1"`},
		{"other version", `{"Version":"2","Statement":[` + plain + `]}`, `Version must be "1"`},
		{"version as a number", `{"Version":1,"Statement":[` + plain + `]}`, `Version must be "1"`},
		{"version twice", `{"Version":"1","Version":"1","Statement":[` + plain + `]}`, `"Version" is given twice`},
		{"version twice, once escaped", `{"Version":"1","\u0056ersion":"1","Statement":[` + plain + `]}`, `"Version" is given twice`},
		{"member in other case", `{"version":"1","Statement":[` + plain + `]}`, `"version" is not known; the members of a policy document are Version, Statement`},
		{"no statement", `{"Version":"1"}`, "list of 1 to 100"},
		{"empty list", `{"Version":"1","Statement":[]}`, "list of 1 to 100"},
		{"too many", in(plain + strings.Repeat(","+plain, maxStatements)), "list of 1 to 100"},
		{"statement is text", in(plain + `,"x"`), "Statement 2: a statement must be an object, not text"},

		{"unknown member", in(plain + `,{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}`), `Statement 2: "Sid" is not known; the members of a statement are Effect, Action`},
		{"principal", in(`{"Effect":"Allow","Principal":{"RAM":"*"},"Action":"*","Resource":"*"}`), `Statement 1: "Principal" is not known`},
		{"effect twice", in(`{"Effect":"Allow","Action":"*","Resource":"*","Effect":"Deny"}`), `"Effect" is given twice`},
		{"no effect", in(`{"Action":"*","Resource":"*"}`), "Statement 1: Effect must be Allow or Deny"},
		{"effect in other case", in(`{"Effect":"allow","Action":"*","Resource":"*"}`), "Statement 1: Effect must be Allow or Deny"},
		{"effect as a list", in(`{"Effect":["Allow"],"Action":"*","Resource":"*"}`), "Effect must be Allow or Deny"},
		{"no action", in(`{"Effect":"Allow","Resource":"*"}`), "either Action or NotAction"},
		{"both actions", in(`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}`), "either Action or NotAction"},
		{"empty actions", in(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Statement 1: Action: it must be text or a list"},
		{"empty action", in(`{"Effect":"Allow","Action":"","Resource":"*"}`), `Action: "" must be`},
		{"action without service", in(`{"Effect":"Allow","Action":["*","Describe*"],"Resource":"*"}`), `Statement 1: Action: "Describe*" must be "*" or "<service>:<name>"`},
		{"action with a space", in(`{"Effect":"Allow","Action":"yundun-cert: List*","Resource":"*"}`), "must be"},
		{"action with two colons", in(`{"Effect":"Allow","NotAction":"a:b:c","Resource":"*"}`), "Statement 1: NotAction: "},
		{"action is null", in(`{"Effect":"Allow","Action":null,"Resource":"*"}`), "Action: it must be text or a list"},
		{"action is a number", in(`{"Effect":"Allow","Action":["*",1],"Resource":"*"}`), "text or a list of texts, not a number"},
		{"list in a list", in(`{"Effect":"Allow","Action":[["*"]],"Resource":"*"}`), "not a list"},
		{"no resource", in(`{"Effect":"Allow","Action":"*"}`), `Statement 1: Resource is missing; "*" is every resource`},
		{"resource of few parts", in(`{"Effect":"Allow","Action":"*","Resource":"acs:yundun-cert:*:*"}`), `Statement 1: Resource: "acs:yundun-cert:*:*" must be`},
		{"resource of another cloud", in(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::x"}`), "Resource"},
		{"resource without account", in(`{"Effect":"Allow","Action":"*","Resource":"acs:yundun-cert:::*"}`), "Resource"},
		{"resource without id", in(`{"Effect":"Allow","Action":"*","Resource":"acs:yundun-cert:*:*:"}`), "Resource"},
		{"resource without service", in(`{"Effect":"Allow","Action":"*","Resource":"acs::*:*:*"}`), "Resource"},
		{"resource with a space", in(`{"Effect":"Allow","Action":"*","Resource":"acs:yundun-cert:*:*:* "}`), "without spaces"},
		{"two stars", in(`{"Effect":"Allow","Action":"*","Resource":"**"}`), "Resource"},
		{"long text is cut", in(`{"Effect":"Allow","Action":"*","Resource":"` + strings.Repeat("é", 999) + `"}`), strings.Repeat("é", 64) + `..."`},

		{"condition is a list", with(`[]`), "Statement 1: Condition must be an object"},
		{"condition is empty", with(`{}`), "Statement 1: Condition must be an object"},
		{"unknown operator", with(`{"StringMatches":{"acs:PrincipalARN":"x"}}`), `Statement 1: Condition "StringMatches" is not known; the operators are StringEquals, `},
		{"operator in other case", with(`{"bool":{"acs:MFAPresent":"true"}}`), `"bool" is not known`},
		{"operator twice", with(`{"Bool":{"acs:MFAPresent":"true"},"Bool":{"acs:MFAPresent":"true"}}`), `"Bool" is given twice`},
		{"operator without keys", with(`{"Bool":{}}`), "Statement 1: Condition Bool: it must be an object"},
		{"operator with a list", with(`{"Bool":["acs:MFAPresent"]}`), "Condition Bool: it must be an object"},
		{"unknown key", with(`{"StringEquals":{"acs:ResourceTag/team":"x"}}`), `Condition StringEquals: "acs:ResourceTag/team" is not known; the keys are acs:SourceIp, acs:CurrentTime, acs:SecureTransport, acs:MFAPresent, acs:PrincipalARN`},
		{"key twice", with(`{"Bool":{"acs:MFAPresent":"true","acs:mfapresent":"false"}}`), "acs:MFAPresent is given twice"},
		{"operator of another kind", with(`{"StringLike":{"acs:SourceIp":"10.*"}}`), "Condition StringLike: it does not go with acs:SourceIp, which takes IpAddress, NotIpAddress"},
		{"no values", with(`{"IpAddress":{"acs:SourceIp":[]}}`), "Condition IpAddress: acs:SourceIp: the list of values is empty"},
		{"value is null", with(`{"IpAddress":{"acs:SourceIp":null}}`), "expected, not null"},
		{"value is an object", with(`{"IpAddress":{"acs:SourceIp":{}}}`), "expected, not an object"},
		{"boolean for text", with(`{"StringEquals":{"acs:PrincipalARN":true}}`), "text that is not empty was expected, not a boolean"},
		{"number for a date", with(`{"DateEquals":{"acs:CurrentTime":1}}`), "expected, not a number"},
		{"boolean for a number", with(`{"NumericEquals":{"acs:CurrentTime":true}}`), "a number was expected, not a boolean"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Parse("p", []byte(tt.document))
			refused(t, err, tt.message)
		})
	}
}

// refused checks that err is the caller's to read and says what it should.
func refused(t *testing.T, err error, message string) {
	t.Helper()
	var e *chancery.Error
	if !errors.As(err, &e) || e.Code != chancery.InvalidParameter {
		t.Fatalf("got %v, want InvalidParameter", err)
	}
	if !strings.Contains(e.Message, message) {
		t.Errorf("message %q does not say %q", e.Message, message)
	}
	if len(e.Message) > 800 {
		t.Errorf("message of %d bytes", len(e.Message))
	}
}

func manyMembers() string {
	members := make([]string, maxMembers+1)
	for i := range members {
		members[i] = fmt.Sprintf(`"m%d":1`, i)
	}
	return "{" + strings.Join(members, ",") + "}"
}

// What values each kind of operator takes.
func TestValues(t *testing.T) {
	tests := []struct {
		operator, key string
		good, bad     []string // JSON
	}{
		{operator: "IpAddress", key: "acs:SourceIp",
			good: []string{`"10.0.0.0/8"`, `"10.1.2.3/8"`, `"10.1.2.3"`, `"::1"`, `"2001:db8::/32"`, `"::ffff:10.0.0.1"`, `"::ffff:10.0.0.0/104"`, `"0.0.0.0/0"`, `"::/0"`},
			bad:  []string{`""`, `"10.0.0.0/33"`, `"10.0.0.0/08"`, `"10.0.0"`, `"010.0.0.1"`, `"fe80::1%eth0"`, `"fe80::1%eth0/64"`, `"10.0.0.0-10.0.0.9"`, `"::ffff:10.0.0.0/95"`, `"*"`, `" 10.0.0.1"`}},
		{operator: "DateLessThan", key: "acs:CurrentTime",
			good: []string{`"2006-01-02T15:04:05Z"`, `"2006-01-02T15:04:05+08:00"`, `"2006-01-02T15:04:05-03:30"`, `"2006-01-02T15:04:05+00:00"`},
			bad:  []string{`""`, `"2006-01-02"`, `"2006-01-02 15:04:05Z"`, `"2006-01-02T15:04:05"`, `"2006-01-02T15:04:05.5Z"`, `"2006-01-02T15:04:05.000Z"`, `"2006-01-02T15:04:05+08:60"`, `"2006-01-02t15:04:05z"`, `"2006-01-02T5:04:05Z"`, `"2006-02-30T15:04:05Z"`, `"1136214245"`, `"20060102T150405Z"`}},
		{operator: "NumericLessThan", key: "acs:CurrentTime",
			good: []string{`1136214245`, `"1136214245"`, `-1.5e3`, `"0"`},
			bad:  []string{`""`, `"x"`, `"+1"`, `"0x10"`, `"1_000"`, `"01"`, `" 1"`, `"1 "`, `"NaN"`, `"Infinity"`, `1e400`, `"1,5"`}},
		{operator: "Bool", key: "acs:MFAPresent",
			good: []string{`true`, `false`, `"true"`, `"false"`},
			bad:  []string{`""`, `"True"`, `"1"`, `1`, `"yes"`, `null`}},
		{operator: "StringLike", key: "acs:PrincipalARN",
			good: []string{`"acs:ram::1:user/*"`, `"*"`, `"é"`, `"a b"`},
			bad:  []string{`""`, `1`, `true`}},
	}
	for _, tt := range tests {
		for _, value := range tt.good {
			for _, form := range []string{value, "[" + value + "]", "[" + tt.good[0] + "," + value + "]"} {
				if _, err := Parse("p", []byte(with(fmt.Sprintf(`{%q:{%q:%s}}`, tt.operator, tt.key, form)))); err != nil {
					t.Errorf("%s %s: %v", tt.operator, form, err)
				}
			}
		}
		for _, value := range tt.bad {
			for _, form := range []string{value, "[" + tt.good[0] + "," + value + "]"} {
				_, err := Parse("p", []byte(with(fmt.Sprintf(`{%q:{%q:%s}}`, tt.operator, tt.key, form))))
				if chancery.CodeOf(err) != chancery.InvalidParameter || !strings.Contains(err.Error(), "Condition "+tt.operator+": "+tt.key) {
					t.Errorf("%s %s: %v", tt.operator, form, err)
				}
			}
		}
	}
}

func TestParseTrust(t *testing.T) {
	p, err := ParseTrust("deployer", []byte(in(`{"Effect":"Allow","Action":"sts:assumerole","Principal":{"RAM":["acs:ram::1234567890123456:root","acs:ram::1:user/a.b-c@d_e"]},"Condition":{"Bool":{"acs:MFAPresent":true}}},
		{"Effect":"Deny","Action":["sts:AssumeRole"],"Principal":{"RAM":"*"}}`)))
	if err != nil {
		t.Fatal(err)
	}
	if s := p.Statements[0]; len(s.Principals) != 2 || len(s.Conditions) != 1 || s.Resources != nil {
		t.Errorf("parsed as %+v", s)
	}
	const trusting = `{"Effect":"Allow","Action":"sts:AssumeRole","Principal":`
	tests := []struct{ name, document, message string }{
		{"resource", in(trusting + `{"RAM":"acs:ram::1:root"},"Resource":"*"}`), `"Resource" is not known; the members of a statement of a trust policy are`},
		{"no action", in(`{"Effect":"Allow","Principal":{"RAM":"acs:ram::1:root"}}`), "Statement 1: Action is missing; it must be sts:AssumeRole"},
		{"other action", in(`{"Effect":"Allow","Action":"sts:*","Principal":{"RAM":"acs:ram::1:root"}}`), `Action: it must be sts:AssumeRole, not "sts:*"`},
		{"not-action", in(`{"Effect":"Allow","NotAction":"sts:X","Principal":{"RAM":"acs:ram::1:root"}}`), `"NotAction" is not known`},
		{"no effect", in(`{"Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}`), "Effect must be"},
		{"no principal", in(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "Principal is missing"},
		{"principal is text", in(trusting + `"*"}`), "Statement 1: Principal: Principal must be an object"},
		{"principal is empty", in(trusting + `{}}`), "Principal: it must be"},
		{"no principals", in(trusting + `{"RAM":[]}}`), "Principal: RAM: "},
		{"a service", in(trusting + `{"Service":["ecs.aliyuncs.com"]}}`), `"Service" is not known`},
		{"everybody", in(trusting + `{"RAM":"*"}}`), `only in a Deny statement`},
		{"not a statement", in(`1`), "must be an object"},
		{"bad condition", in(trusting + `{"RAM":"acs:ram::1:root"},"Condition":{"Bool":{"sts:ExternalId":"x"}}}`), "is not known"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseTrust("p", []byte(tt.document))
			refused(t, err, tt.message)
		})
	}
	for _, principal := range []string{"", "acs:ram::1", "acs:ram::1:", "acs:ram::1:rooot", "acs:ram::*:root", "acs:ram:::root", "acs:ram:cn-hangzhou:1:root", "acs:ram::1:user/", "acs:ram::1:user/*",
		"acs:ram::1:user/a?", "acs:ram::1:group/a", "acs:ram::1:user/a/b", "acs:ram::1:user/a:b", "acs:ram::x:root", "acs:sts::1:root", "acs:ram::1:user"} {
		_, err := ParseTrust("p", []byte(in(trusting+`{"RAM":`+fmt.Sprintf("%q", principal)+`}}`)))
		refused(t, err, "Statement 1: Principal: RAM: ")
	}
}

func TestSystemPolicies(t *testing.T) {
	for i, s := range System() {
		p, err := Parse(s.Name, []byte(s.Document))
		if err != nil || s.Description == "" || p.Name != s.Name {
			t.Errorf("%s: %v", s.Name, err)
		}
		if i > 0 && System()[i-1].Name >= s.Name {
			t.Errorf("%s is out of order", s.Name)
		}
		if !json.Valid([]byte(s.Document)) {
			t.Errorf("%s is not JSON", s.Name)
		}
	}
}
