package ram

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"chancery"
)

// canonical writes a policy in one way: lists everywhere, values as text,
// members in the order in which they are understood.
func canonical(p Policy) []byte {
	var out bytes.Buffer
	write := func(v any) {
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		_ = e.Encode(v)
		out.Truncate(out.Len() - 1)
	}
	out.WriteString(`{"Version":"1","Statement":[`)
	for i, s := range p.Statements {
		if i > 0 {
			out.WriteByte(',')
		}
		out.WriteString(`{"Effect":`)
		write(s.Effect)
		for _, m := range []struct {
			name  string
			texts []string
		}{{"Action", s.Actions}, {"NotAction", s.NotActions}, {"Resource", s.Resources}} {
			if m.texts != nil {
				out.WriteString(`,"` + m.name + `":`)
				write(m.texts)
			}
		}
		if s.Principals != nil {
			out.WriteString(`,"Principal":`)
			write(map[string][]string{"RAM": s.Principals})
		}
		for j, c := range s.Conditions {
			switch {
			case j == 0:
				out.WriteString(`,"Condition":{"` + c.Operator + `":{`)
			case s.Conditions[j-1].Operator != c.Operator:
				out.WriteString(`},"` + c.Operator + `":{`)
			default:
				out.WriteByte(',')
			}
			out.WriteString(`"` + c.Key + `":`)
			write(c.Values)
		}
		if s.Conditions != nil {
			out.WriteString(`}}`)
		}
		out.WriteByte('}')
	}
	out.WriteString(`]}`)
	return out.Bytes()
}

// Parsing never panics. What is accepted has one meaning: it is the JSON that
// everybody reads, written canonically it parses to the same policy, and what is
// canonical stays as it is. What is refused is refused with a message.
func FuzzParse(f *testing.F) {
	for _, s := range System() {
		f.Add([]byte(s.Document))
	}
	f.Add([]byte(in(plain)))
	f.Add([]byte(benchDocument))
	f.Add([]byte(in(trusting("acs:ram::1234:root", `,"Condition":{"Bool":{"acs:MFAPresent":true}}`))))
	f.Add([]byte(with(`{"StringLike":{"acs:PrincipalARN":["a<>&*","\u00e9"]},"NumericLessThan":{"acs:currenttime":[1e3,"-0.5"]},"DateEquals":{"acs:CurrentTime":"2006-01-02T15:04:05+08:00"}}`)))
	f.Add([]byte(`{"Version":"1","Version":"1"}`))
	f.Add([]byte(with(`{"NotIpAddress":{"acs:SourceIp":["::ffff:1.2.3.4/97","fe80::/10"]}}`)))
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, parse := range []func(string, []byte) (Policy, error){Parse, ParseTrust} {
			p, err := parse("p", document)
			if err != nil {
				if chancery.CodeOf(err) != chancery.InvalidParameter || err.Error() == "" || len(err.Error()) > 2000 {
					t.Fatalf("refused with %v", err)
				}
				continue
			}
			var everybody map[string]any
			if err := json.Unmarshal(document, &everybody); err != nil || !utf8.Valid(document) {
				t.Fatalf("accepted, but it is not JSON: %v", err)
			}
			again := canonical(p)
			if utf8.RuneCount(again) > maxCharacters {
				continue // lists and quotation marks can make it a little longer
			}
			q, err := parse("p", again)
			if err != nil {
				t.Fatalf("canonical %s: %v", again, err)
			}
			if !reflect.DeepEqual(p, q) || !bytes.Equal(canonical(q), again) {
				t.Fatalf("%+v became %+v by %s", p, q, again)
			}
		}
	})
}

// The reader sees in a document what encoding/json sees.
func FuzzReadDocument(f *testing.F) {
	f.Add([]byte(benchDocument))
	f.Add([]byte(` [ {"a\\":"\"","\\\\":[[],{}, -1.5e+3 ,true,false,null]} , "\u00e9\/" ] `))
	f.Add([]byte(`1`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		n, err := readDocument(document)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(document))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := plainly(n); !reflect.DeepEqual(got, want) {
			t.Fatalf("read %#v, encoding/json reads %#v", got, want)
		}
	})
}

// plainly is a node as encoding/json would give it.
func plainly(n node) any {
	switch n.kind {
	case textNode:
		return n.text
	case numberNode:
		return json.Number(n.text)
	case truthNode:
		return n.text == "true"
	case listNode:
		list := []any{}
		for _, element := range n.inside {
			list = append(list, plainly(element))
		}
		return list
	case objectNode:
		members := map[string]any{}
		for i, name := range n.names {
			members[name] = plainly(n.inside[i])
		}
		return members
	}
	return nil
}

func FuzzMatch(f *testing.F) {
	f.Add("yundun-cert:Describe*", "yundun-cert:DescribeCertificateState", true)
	f.Add("*a*a*a*b", "aaaaaaaaaaaaaaaa", false)
	f.Add("?*é", "*éé", false)
	f.Add("**?", "a*", false)
	f.Fuzz(func(t *testing.T, pattern, text string, fold bool) {
		if len(pattern) > 500 || !utf8.ValidString(pattern) || !utf8.ValidString(text) {
			matches(pattern, text, fold)
			return
		}
		if fold && (!isASCII(pattern) || !isASCII(text)) {
			return // regexp folds beyond ASCII
		}
		if got, want := matches(pattern, text, fold), modelMatches(pattern, text, fold); got != want {
			t.Errorf("%q against %q: %v, the model says %v", pattern, text, got, want)
		}
	})
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
