package ram

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// The model is a second evaluator, written to be plainly right: it walks the
// decoded JSON, matches with regular expressions, addresses with package net and
// times with package time, and finds all matching statements before it decides.

type object = map[string]any

// modelMatches is what a wildcard pattern means.
func modelMatches(pattern, text string, fold bool) bool {
	var expression strings.Builder
	if fold {
		expression.WriteString("(?i)")
	}
	expression.WriteString("(?s)^")
	for _, r := range pattern {
		switch r {
		case '*':
			expression.WriteString(".*")
		case '?':
			expression.WriteString("[^*]")
		default:
			expression.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	expression.WriteString("$")
	return regexp.MustCompile(expression.String()).MatchString(text)
}

// modelList makes a list of what may be a single value.
func modelList(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

func modelAny(v any, so func(any) bool) bool { return slices.ContainsFunc(modelList(v), so) }

func modelAction(s object, action string) bool {
	match := func(pattern any) bool { return modelMatches(pattern.(string), action, true) }
	if not, ok := s["NotAction"]; ok {
		return !modelAny(not, match)
	}
	return modelAny(s["Action"], match)
}

func modelResource(pattern, resource string) bool {
	if pattern == "*" {
		return true
	}
	want, have := strings.SplitN(pattern, ":", 5), strings.SplitN(resource, ":", 5)
	for i := range want {
		anyRegion := i == 2 && want[i] == ""
		if !anyRegion && !modelMatches(want[i], have[i], false) {
			return false
		}
	}
	return true
}

func modelCondition(operator, key string, wanted any, c Context) bool {
	positive, not := operator, false
	if strings.HasPrefix(operator, "NotIp") || strings.Contains(operator, "Not") {
		positive, not = strings.Replace(operator, "Not", "", 1), true
	}
	fits := modelAny(wanted, func(v any) bool { return modelFits(positive, strings.ToLower(key), v, c) })
	return fits != not
}

func modelFits(operator, key string, wanted any, c Context) bool {
	switch key {
	case "acs:principalarn":
		if c.PrincipalARN == "" {
			return false
		}
		switch operator {
		case "StringEquals":
			return c.PrincipalARN == wanted
		case "StringEqualsIgnoreCase":
			return strings.EqualFold(c.PrincipalARN, wanted.(string))
		}
		return modelMatches(wanted.(string), c.PrincipalARN, false)
	case "acs:securetransport", "acs:mfapresent":
		have := c.Secure
		if key == "acs:mfapresent" {
			have = c.MFA
		}
		return wanted == have || wanted == strconv.FormatBool(have)
	case "acs:sourceip":
		return modelAddress(wanted.(string), c.SourceIP)
	}
	return !c.Time.IsZero() && modelTime(operator, wanted, c.Time)
}

func modelAddress(wanted string, address netip.Addr) bool {
	if !address.IsValid() {
		return false
	}
	have := net.ParseIP(address.Unmap().String())
	if !strings.Contains(wanted, "/") {
		return net.ParseIP(wanted).Equal(have)
	}
	_, network, err := net.ParseCIDR(wanted)
	if err != nil {
		panic(err)
	}
	return network.Contains(have)
}

func modelTime(operator string, wanted any, have time.Time) bool {
	var want time.Time
	if seconds, ok := wanted.(float64); ok {
		want = time.Unix(int64(seconds), 0)
	} else if err := want.UnmarshalText([]byte(wanted.(string))); err != nil {
		seconds, err := strconv.ParseInt(wanted.(string), 10, 64)
		if err != nil {
			panic(err)
		}
		want = time.Unix(seconds, 0)
	}
	order := have.Truncate(time.Second).Compare(want)
	switch strings.TrimPrefix(strings.TrimPrefix(operator, "Date"), "Numeric") {
	case "Equals":
		return order == 0
	case "LessThan":
		return order < 0
	case "LessThanEquals":
		return order <= 0
	case "GreaterThan":
		return order > 0
	}
	return order >= 0
}

func modelEvaluate(documents []object, r Request) (allowed, explicit bool) {
	var allows, denies int
	for _, document := range documents {
		for _, statement := range document["Statement"].([]any) {
			s := statement.(object)
			covered := modelAction(s, r.Action) && modelAny(s["Resource"], func(pattern any) bool {
				return slices.ContainsFunc(r.Resources, func(resource string) bool { return modelResource(pattern.(string), resource) })
			})
			conditions, _ := s["Condition"].(object)
			for operator, block := range conditions {
				for key, wanted := range block.(object) {
					covered = covered && modelCondition(operator, key, wanted, r.Context)
				}
			}
			if covered && s["Effect"] == "Allow" {
				allows++
			} else if covered {
				denies++
			}
		}
	}
	return allows > 0 && denies == 0, denies > 0
}

// oneOrSome draws a value, or a list of one to three.
func oneOrSome(t *rapid.T, g *rapid.Generator[any], label string) any {
	if rapid.Bool().Draw(t, label+" alone") {
		return g.Draw(t, label)
	}
	return rapid.SliceOfN(g, 1, 3).Draw(t, label)
}

func sampled(values ...any) *rapid.Generator[any] { return rapid.SampledFrom(values) }

var (
	drawAction   = sampled("*", "a:*", "a:Get*", "A:get?", "b:*", "a:GetX", "*:*X", "a:G*t*", "c:Nothing")
	drawResource = sampled("*", "acs:a:*:1:*", "acs:a::1:order/*", "acs:a:r:1:order/5", "acs:*:*:*:o*/?", "acs:a:*:2:*", "acs:b:*:*:*", "acs:a:r?:1:*", "acs:a:*:1:certificate/*")
	drawText     = sampled("acs:ram::1:user/alice", "acs:ram::1:user/Alice", "acs:ram::1:user/*", "*", "*b?b", "bob", "x")
	drawNetwork  = sampled("10.0.0.0/8", "10.0.0.1", "::1", "2001:db8::/32", "0.0.0.0/0", "::/0", "::ffff:10.0.0.1", "192.0.2.128/25", "2001:db8::1")
	drawNumber   = sampled(1767355199.0, 1767355200.0, "1767355201")
	drawDate     = sampled("2026-01-02T11:59:59Z", "2026-01-02T12:00:00Z", "2026-01-02T20:00:00+08:00", "2026-01-02T12:00:01Z")
	drawTruth    = sampled(true, false, "true", "false")
)

func drawCondition(t *rapid.T) object {
	block := object{}
	for range rapid.IntRange(1, 2).Draw(t, "operators") {
		o := rapid.SampledFrom(operators).Draw(t, "operator")
		var key string
		var values *rapid.Generator[any]
		switch o.kind {
		case stringKind:
			key, values = "acs:PrincipalARN", drawText
		case numericKind:
			key, values = "acs:CurrentTime", drawNumber
		case dateKind:
			key, values = "acs:CurrentTime", drawDate
		case boolKind:
			key, values = rapid.SampledFrom([]string{"acs:SecureTransport", "acs:MFAPresent"}).Draw(t, "key"), drawTruth
		case addressKind:
			key, values = "acs:SourceIp", drawNetwork
		}
		if rapid.Bool().Draw(t, "lower case") {
			key = strings.ToLower(key)
		}
		block[o.name] = object{key: oneOrSome(t, values, "value")}
	}
	return block
}

func drawStatement(t *rapid.T) object {
	s := object{"Effect": "Allow", "Resource": oneOrSome(t, drawResource, "resource")}
	if rapid.IntRange(0, 3).Draw(t, "deny") == 0 {
		s["Effect"] = "Deny"
	}
	action := "Action"
	if rapid.IntRange(0, 4).Draw(t, "not") == 0 {
		action = "NotAction"
	}
	s[action] = oneOrSome(t, drawAction, "action")
	if rapid.Bool().Draw(t, "conditional") {
		s["Condition"] = drawCondition(t)
	}
	return s
}

func drawRequest(t *rapid.T) Request {
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	names := rapid.SampledFrom([]string{"acs:a:r:1:order/5", "acs:a:r1:1:order/55", "acs:a:r:1:certificate/7", "acs:a:r:1:*", "acs:a:r:2:order/5", "acs:b::1:x/y:z"})
	return Request{
		Action:    rapid.SampledFrom([]string{"a:GetX", "a:SetX", "b:GetX", "a:getxy"}).Draw(t, "request action"),
		Resources: rapid.SliceOfN(names, 1, 2).Draw(t, "request resources"),
		Context: Context{
			SourceIP:     rapid.SampledFrom([]netip.Addr{{}, netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:10.0.0.1"), netip.MustParseAddr("192.0.2.200"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::1")}).Draw(t, "address"),
			Time:         rapid.SampledFrom([]time.Time{{}, noon, noon.Add(-time.Millisecond), noon.Add(time.Second)}).Draw(t, "time"),
			Secure:       rapid.Bool().Draw(t, "secure"),
			MFA:          rapid.Bool().Draw(t, "mfa"),
			PrincipalARN: rapid.SampledFrom([]string{"", "acs:ram::1:user/alice", "bob"}).Draw(t, "principal"),
		},
	}
}

// What is decided is what the model decides, in whatever order the policies come.
func TestEvaluateAgreesWithModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var documents []object
		var policies []Policy
		for range rapid.IntRange(0, 3).Draw(t, "policies") {
			var statements []any
			for range rapid.IntRange(1, 3).Draw(t, "statements") {
				statements = append(statements, drawStatement(t))
			}
			text, err := json.Marshal(object{"Version": "1", "Statement": statements})
			if err != nil {
				t.Fatal(err)
			}
			p, err := Parse("p", text)
			if err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			documents, policies = append(documents, object{"Statement": statements}), append(policies, p)
		}
		r := drawRequest(t)
		allowed, explicit := modelEvaluate(documents, r)
		for range 3 {
			d := Evaluate(policies, r)
			if d.Allowed != allowed || d.Explicit != explicit || (d.Statement != 0) != (allowed || explicit) {
				t.Fatalf("%+v, the model says allowed %v, explicit %v", d, allowed, explicit)
			}
			rand.Shuffle(len(policies), func(i, j int) { policies[i], policies[j] = policies[j], policies[i] })
		}
	})
}

func TestMatchesAgreesWithModel(t *testing.T) {
	pattern := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?é")), 0, 12, -1)
	text := rapid.StringOfN(rapid.SampledFrom([]rune("aAb*é")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		p, x, fold := pattern.Draw(t, "pattern"), text.Draw(t, "text"), rapid.Bool().Draw(t, "fold")
		if got, want := matches(p, x, fold), modelMatches(p, x, fold); got != want {
			t.Fatalf("%q against %q: %v, the model says %v", p, x, got, want)
		}
	})
}
