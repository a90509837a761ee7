package rpc_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"chancery/internal/testenv"
)

// inQuery and inForm add text to a signed request.
func inQuery(text string) change {
	return tamper(func(w *testenv.Wire) { w.Query = joined(w.Query, text) })
}

func inForm(text string) change {
	return tamper(func(w *testenv.Wire) {
		w.Body = joined(w.Body, text)
		w.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	})
}

func joined(before, text string) string {
	if before == "" {
		return text
	}
	return before + "&" + text
}

// What could be read in two ways is refused in every way of calling, before
// anybody asks who signed it.
func TestUnclearParametersAreRefused(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	many := make([]string, 1001)
	for i := range many {
		many[i] = fmt.Sprintf("P%d=", i)
	}
	before := env.Dump()
	for _, test := range []struct {
		name   string
		change change
		says   string
	}{
		{"a name twice with different values in the query", inQuery("A=1&A=2"), "A is given twice"},
		{"a name twice with different values in the form", inForm("A=1&A=2"), "A is given twice"},
		{"a name with different values in query and form", together(inQuery("A=1"), inForm("A=2")), "A is given twice"},
		{"a name with a value and an empty one", inQuery("A=1&A="), "A is given twice"},
		{"the same name encoded otherwise", inQuery("Ab=1&%41%62=2"), "Ab is given twice"},
		{"an escape that is none in the query", inQuery("A=%zz"), "the query string is not well encoded"},
		{"an escape that is none in the form", inForm("A=%zz"), "the form is not well encoded"},
		{"an escape that is cut", inQuery("A=%4"), "not well encoded"},
		{"an escape that is none in a name", inQuery("%zz=A"), "not well encoded"},
		{"a semicolon", inForm("A=1;B=2"), "not well encoded"},
		{"a value that is not UTF-8", inQuery("A=%ff"), "A: the value is not UTF-8"},
		{"a value that is cut inside a character", inForm("A=%e4%bd"), "A: the value is not UTF-8"},
		{"a name that is not UTF-8", inQuery("%ff=1"), "name is not UTF-8"},
		{"a NUL", inForm("A=1%00"), "A: the value holds a NUL"},
		{"a name of 257 bytes", inQuery(strings.Repeat("N", 257) + "=1"), "name has more than 256 bytes"},
		{"1001 parameters in the query", inQuery(strings.Join(many, "&")), "the query string has more than 1000 parameters"},
		{"1001 parameters in the form", inForm(strings.Join(many, "&")), "the form has more than 1000 parameters"},
		{"a body over 1 MiB", inForm("A=" + strings.Repeat("a", 1<<20)), "more than 1048576 bytes"},
		{"a body of plain text", together(inForm("A=1"), header("Content-Type", "text/plain")), "application/x-www-form-urlencoded"},
		{"a multipart body", together(inForm("A=1"), header("Content-Type", "multipart/form-data; boundary=x")), "application/x-www-form-urlencoded"},
		{"a body of no readable type", together(inForm("A=1"), header("Content-Type", ";")), "application/x-www-form-urlencoded"},
	} {
		for _, way := range ways {
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				got := env.Signed("DescribePackageState", product, way.change, test.change)
				check(t, got, "InvalidParameter", 400, test.says)
			})
		}
	}
	if after := env.Dump(); after != before {
		t.Errorf("refused calls changed the data from\n%s\nto\n%s", before, after)
	}
	if n := env.Count("SELECT COUNT(*) FROM nonces"); n != 0 {
		t.Errorf("%d nonces are recorded", n)
	}
}

// What is odd and clear passes: every real client does some of it.
func TestOddParametersPass(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	const text = `a b+c*d~e;f&g=h'(i)" 証明 ` + "\r\n"
	postV1 := v1(http.MethodPost, testenv.InForm, "HMAC-SHA1")
	splitV1 := v1(http.MethodPost, testenv.Split, "HMAC-SHA1")
	set := func(name, value string) change { return func(r *testenv.Request) { r.Parameters[name] = value } }

	for _, test := range []struct {
		name   string
		change change
	}{
		{"unknown parameters under V1", together(v1Get, set("RegionId", "cn-hangzhou"), set("SourceIp", "192.0.2.1"), set("Lang", ""))},
		{"unknown parameters under V3", together(v3Post, set("RegionId", "cn-hangzhou"), set("SourceIp", "192.0.2.1"), set("Lang", ""))},
		{"a name twice with the same value in the query of V1", together(v1Get, inQuery("Number=7"))},
		{"a name twice with the same value in the query of V3", together(v3(http.MethodGet, testenv.InQuery), inQuery("Number=7"))},
		{"a name twice with the same value in the form", together(postV1, inForm("Number=7"))},
		{"a name with the same value in query and form", together(splitV1, inQuery("Number=7"))},
		{"no content type", together(postV1, header("Content-Type", ""))},
		{"a content type with a charset", together(postV1, header("Content-Type", "application/x-www-form-urlencoded; charset=UTF-8"))},
		{"a content type in capitals", together(postV1, header("Content-Type", "Application/X-WWW-Form-URLencoded"))},
		{"a content type without a body", together(v1Get, header("Content-Type", "application/x-www-form-urlencoded"))},
		{"a JSON content type without a body", together(v1Get, header("Content-Type", "application/json"))},
		{"a space as %20 in the form", together(postV1, tamper(func(w *testenv.Wire) { w.Body = strings.ReplaceAll(w.Body, "+", "%20") }))},
		{"a space as %20 in the query", together(v1Get, tamper(func(w *testenv.Wire) { w.Query = strings.ReplaceAll(w.Query, "+", "%20") }))},
		{"marks left as they are", together(postV1, tamper(func(w *testenv.Wire) {
			w.Body = strings.NewReplacer("%27", "'", "%28", "(", "%29", ")", "%2A", "*").Replace(w.Body)
		}))},
		{"Format in small letters", together(v1Get, func(r *testenv.Request) { r.Options.Format = "json" })},
		{"headers of V3 beside a V1 signature", together(v1Get, header("X-Acs-Action", "Panic"), header("X-Acs-Version", version))},
		{"a nonce of 256 bytes", together(v3Post, func(r *testenv.Request) { r.Options.Nonce = strings.Repeat("n", 256) })},
		{"a request line of 128 KB", together(v1Get, set("Chain", strings.Repeat("x", 128<<10)))},
		{"a request line of 128 KB under V3", together(v3(http.MethodGet, testenv.InQuery), set("Chain", strings.Repeat("x", 128<<10)))},
		{"1000 parameters", together(v3Post, func(r *testenv.Request) {
			for i := len(r.Parameters); i < 1000; i++ {
				r.Parameters[fmt.Sprintf("P%d", i)] = ""
			}
		})},
		{"a body of 1 MiB", together(v3Post, func(r *testenv.Request) {
			values := url.Values{"Fill": {""}}
			for name, value := range r.Parameters {
				values.Set(name, value)
			}
			r.Parameters["Fill"] = strings.Repeat("x", 1<<20-len(values.Encode()))
		})},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := env.Signed("Echo", map[string]string{"Text": text, "Number": "7"}, inLaboratory, test.change)
			var out echoOutput
			got.Decode(&out)
			if out.Text != text || out.Number != 7 {
				t.Errorf("the operation read %q and %d", out.Text, out.Number)
			}
		})
	}
}

// A private script in the wild sends V3 calls with a flat JSON body.
func TestJSONBodies(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	for _, test := range []struct {
		name, body string
		code       string
		says       string
	}{
		{"text and number", `{"Text":"a\nb","Number":7}`, "", ""},
		{"a number as text", ` { "Text" : "a\nb" , "Number" : "7" } `, "", ""},
		{"unknown members and null", `{"Text":"a\nb","Number":7,"Lang":null,"Force":true}`, "", ""},
		{"a member twice with the same value", `{"Text":"a\nb","Number":7,"Number":"7"}`, "", ""},
		{"a member twice with different values", `{"Text":"a\nb","Number":7,"Number":8}`, "InvalidParameter", "Number is given twice"},
		{"a nested list", `{"List":["a"]}`, "InvalidParameter", "not one flat object"},
		{"a nested object", `{"Text":{}}`, "InvalidParameter", "not one flat object"},
		{"a list", `[]`, "InvalidParameter", "not one flat object"},
		{"a text", `"Text"`, "InvalidParameter", "not one flat object"},
		{"a cut object", `{"Text":"a"`, "InvalidParameter", "not one flat object"},
		{"a second object", `{"Text":"a"}{}`, "InvalidParameter", "not one flat object"},
		{"a second end", `{"Text":"a"}}`, "InvalidParameter", "not one flat object"},
		{"text after the object", `{"Text":"a"}] and more`, "InvalidParameter", "not one flat object"},
		{"bytes that are not UTF-8", "{\"Text\":\"\xff\"}", "InvalidParameter", "not UTF-8"},
		{"a NUL", `{"Text":"\u0000"}`, "InvalidParameter", "Text: the value holds a NUL"},
		{"1001 members", "{" + strings.TrimSuffix(strings.Repeat(`"%d":1,`, 1001), ",") + "}", "InvalidParameter", "more than 1000 parameters"},
	} {
		t.Run(test.name, func(t *testing.T) {
			body := test.body
			for n := 0; strings.Contains(body, "%d"); n++ {
				body = strings.Replace(body, "%d", fmt.Sprint(n), 1)
			}
			got := env.Signed("Echo", nil, inLaboratory, func(r *testenv.Request) {
				r.Body = body
				r.Header.Set("Content-Type", "application/json; charset=utf-8")
			})
			if test.code != "" {
				check(t, got, test.code, 400, test.says)
				return
			}
			var out echoOutput
			got.Decode(&out)
			if out.Text != "a\nb" || out.Number != 7 {
				t.Errorf("the operation read %q and %d", out.Text, out.Number)
			}
		})
	}
	t.Run("V1 does not sign it", func(t *testing.T) {
		got := env.Signed("Echo", nil, inLaboratory, v1(http.MethodPost, testenv.InQuery, "HMAC-SHA1"),
			tamper(func(w *testenv.Wire) { w.Body = `{"Text":"a"}` }), header("Content-Type", "application/json"))
		check(t, got, "InvalidParameter", 400, "application/x-www-form-urlencoded")
	})
}

// What an operation's Input makes of parameters.
func TestOperationParameters(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	for _, test := range []struct {
		name       string
		operation  string
		parameters map[string]string
		code       string
		says       string
	}{
		{"a mandatory one is absent", "Demand", nil, "MissingParameter", "Text is required"},
		{"a mandatory one is empty", "Demand", map[string]string{"Text": ""}, "MissingParameter", "Text is required"},
		{"a mandatory one in another letter case", "Demand", map[string]string{"text": "x"}, "MissingParameter", "Text is required"},
		{"a number with letters", "Echo", map[string]string{"Number": "7a"}, "InvalidParameter", "Number: not a whole number"},
		{"a number with a fraction", "Echo", map[string]string{"Number": "7.0"}, "InvalidParameter", "Number: not a whole number"},
		{"a number of 20 digits", "Echo", map[string]string{"Number": "10000000000000000000"}, "InvalidParameter", "Number: not a whole number"},
		{"a list from 0", "Echo", map[string]string{"List.0": "x"}, "InvalidParameter", "List.0: lists are numbered from 1"},
		{"a list with a leading zero", "Echo", map[string]string{"List.01": "x"}, "InvalidParameter", "lists are numbered from 1"},
		{"a list without numbers", "Echo", map[string]string{"List.x": "x"}, "InvalidParameter", "lists are numbered from 1"},
	} {
		for _, way := range ways {
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				check(t, env.Signed(test.operation, test.parameters, way.change, inLaboratory), test.code, 400, test.says)
			})
		}
	}
	t.Run("a list with holes keeps its order", func(t *testing.T) {
		var out echoOutput
		env.Signed("Echo", map[string]string{"List.10": "c", "List.2": "b", "List.1": "a"}, inLaboratory).Decode(&out)
		if fmt.Sprint(out.List) != "[a b c]" {
			t.Errorf("got %v", out.List)
		}
	})
}
