package rpc

import (
	"bytes"
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"testing"
)

// request is what a server hands to readMessage.
func request(query, kind, body string) *http.Request {
	return &http.Request{
		Method: http.MethodPost, Host: "cas.example.test", URL: &url.URL{Path: "/", RawQuery: query},
		Header: http.Header{"Content-Type": {kind}, "Authorization": {"ACS3-HMAC-SHA256 Credential=x"}},
		Body:   io.NopCloser(bytes.NewReader([]byte(body))),
	}
}

const (
	formType = "application/x-www-form-urlencoded"
	bodyJSON = "application/json"
)

// FuzzMessage reads what anybody may send: one meaning, whichever way it is
// written, and no two meanings at once.
func FuzzMessage(f *testing.F) {
	for _, seed := range [][2]string{
		{"Action=A&Version=2020-04-07", "OrderId=1&Tags.1.Key=a+b&Tags.1.Value=%2B"},
		{"A=1&A=1", "A=1"},
		{"A=1&A=2", ""},
		{"A=1", "A=2"},
		{"A&B=&=C&&D==", "%41=%e8%af%81"},
		{"A=%ff", "A=%00"},
		{"A=1;B=2", "%zz"},
		{"", `{"A":"1","B":2,"C":null,"D":true,"E":1e3}`},
		{"A=1", `{"A":1,"A":"1"}`},
		{"A=1", `{"A":2}`},
		{"", `{"A":[1]}`},
		{"", `{"A":"1"}}`},
		{"", "{\"A\":\"\xff\"}"},
	} {
		f.Add(seed[0], seed[1], false)
		f.Add(seed[0], seed[1], true)
	}
	f.Fuzz(func(t *testing.T, query, body string, isJSON bool) {
		kind := formType
		if isJSON {
			kind = bodyJSON
		}
		m, err := readMessage(request(query, kind, body))
		if contradicts(query, body, isJSON) && err == nil {
			t.Fatalf("%q and %q contradict each other and passed as %v", query, body, m.all)
		}
		if err != nil {
			return
		}
		checkOneMeaning(t, m.all)
		checkContradictions(t, m.all)
	})
}

// contradicts is a second opinion, by other means, on whether a name has two
// values; it is false for what it cannot read.
func contradicts(query, body string, isJSON bool) bool {
	values, err := url.ParseQuery(query)
	if err != nil {
		return false
	}
	form, err := url.ParseQuery(body)
	if isJSON {
		form, err = url.Values{}, nil
		var members map[string]*string
		if json.Unmarshal([]byte(body), &members) == nil {
			for name, value := range members {
				if value != nil {
					form[name] = []string{*value}
				}
			}
		}
	}
	if err != nil {
		return false
	}
	for name := range values {
		all := slices.Compact(append(slices.Clone(values[name]), form[name]...))
		if len(all) > 1 {
			return true
		}
	}
	return slices.ContainsFunc(slices.Collect(maps.Values(form)), func(all []string) bool { return len(slices.Compact(all)) > 1 })
}

// checkOneMeaning writes the parameters in each way there is and reads them back.
func checkOneMeaning(t *testing.T, all map[string]string) {
	t.Helper()
	if len(all) > maxParameters {
		return // half of them stood in the query, half in the form
	}
	values := url.Values{}
	for name, value := range all {
		values.Set(name, value)
	}
	text, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	for way, r := range map[string]*http.Request{
		"query": request(values.Encode(), formType, ""),
		"form":  request("", formType, values.Encode()),
		"both":  request(values.Encode(), formType, values.Encode()),
		"JSON":  request("", bodyJSON, string(text)),
	} {
		m, err := readMessage(r)
		if err != nil {
			if len(values.Encode()) > maxBody || len(text) > maxBody {
				continue
			}
			t.Fatalf("%v written as %s cannot be read: %v", all, way, err)
		}
		if !maps.Equal(m.all, all) {
			t.Fatalf("%v written as %s became %v", all, way, m.all)
		}
	}
}

// checkContradictions gives each name a second value, in one place and across.
func checkContradictions(t *testing.T, all map[string]string) {
	t.Helper()
	for name, value := range all {
		one, other := url.Values{name: {value}}.Encode(), url.Values{name: {value + "x"}}.Encode()
		for _, r := range []*http.Request{
			request(one+"&"+other, formType, ""),
			request("", formType, other+"&"+one),
			request(one, formType, other),
		} {
			if m, err := readMessage(r); err == nil {
				t.Fatalf("%s passed as %q beside another value", name, m.all[name])
			}
		}
	}
}
