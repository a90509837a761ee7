package rpc_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"chancery"
	"chancery/internal/testenv"
	"chancery/rpc"
)

const (
	jsonType = "application/json;charset=utf-8"
	xmlType  = "text/xml;charset=utf-8"
)

// formats is how a call chooses between JSON and XML.
var formats = []struct {
	name   string
	change change
	xml    bool
}{
	{"V3", v3Post, false},
	{"V3 that asks for XML", together(v3Post, func(r *testenv.Request) { r.Parameters["Format"] = "XML" }, header("Accept", "text/xml")), false},
	{"V1 with Format=JSON", v1Get, false},
	{"V1 with Format=json", together(v1Get, format("json")), false},
	{"V1 with Format=XML", together(v1Get, format("XML")), true},
	{"V1 with Format=xml", together(v1Get, format("xml")), true},
	{"V1 without Format", together(v1Get, format("")), true},
	{"V1 that accepts anything", together(v1Get, header("Accept", "*/*")), false},
	{"V1 that accepts XML alone", together(v1Get, header("Accept", "application/xml")), true},
}

func format(name string) change { return func(r *testenv.Request) { r.Options.Format = name } }

func TestSuccess(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	wantJSON := fmt.Sprintf(`{"RequestId":"-","Text":"<a&b>","Yes":true,"Number":-7,"List":["x","y"],"Rows":[{"Key":"a","Value":1},{"Key":"b"}],"Account":%d}`, env.Account)
	wantXML := `<?xml version="1.0" encoding="UTF-8"?>` + "\n" +
		`<EchoResponse><RequestId>-</RequestId><Text>&lt;a&amp;b&gt;</Text><Yes>true</Yes><Number>-7</Number><List>x</List><List>y</List>` +
		fmt.Sprintf(`<Rows><Key>a</Key><Value>1</Value></Rows><Rows><Key>b</Key></Rows><Account>%d</Account></EchoResponse>`, env.Account)
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			got := env.Signed("Echo", map[string]string{"Text": "<a&b>", "Number": "-7", "List.1": "x", "List.2": "y"}, inLaboratory, f.change)
			want, kind := wantJSON, jsonType
			if f.xml {
				want, kind = wantXML, xmlType
			}
			if body := got.WithoutRequestID(); body != want {
				t.Errorf("got\n%s\nwant\n%s", body, want)
			}
			checkHeaders(t, got, kind)
		})
	}
}

func TestSuccessWithNothingToTell(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			got := env.Signed("Demand", map[string]string{"Text": "x"}, inLaboratory, f.change)
			want := `{"RequestId":"-"}`
			if f.xml {
				want = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<DemandResponse><RequestId>-</RequestId></DemandResponse>`
			}
			if body := got.WithoutRequestID(); body != want {
				t.Errorf("got\n%s\nwant\n%s", body, want)
			}
		})
	}
}

func TestError(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker(), testenv.WithAPI(laboratory()))
	host := strings.TrimPrefix(env.Endpoint, "http://")
	fields := [][2]string{
		{"RequestId", "-"}, {"HostId", host}, {"Code", "InvalidParameter"}, {"Message", "Text: too blue"},
		{"Recommend", env.Endpoint + "/errors/InvalidParameter?requestId=-"},
	}
	wantJSON, wantXML := "{", `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error>"
	for _, f := range fields {
		wantJSON += fmt.Sprintf("%q:%q,", f[0], f[1])
		wantXML += fmt.Sprintf("<%s>%s</%s>", f[0], f[1], f[0])
	}
	wantJSON, wantXML = strings.TrimSuffix(wantJSON, ",")+"}", wantXML+"</Error>"
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			got := env.Signed("Wrapped", nil, inLaboratory, f.change)
			want, kind := wantJSON, jsonType
			if f.xml {
				want, kind = wantXML, xmlType
			}
			if body := got.WithoutRequestID(); body != want || got.Status != 400 {
				t.Errorf("got HTTP %d\n%s\nwant\n%s", got.Status, body, want)
			}
			checkHeaders(t, got, kind)
		})
	}
}

var (
	requestID = regexp.MustCompile(`^[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$`)
	traceID   = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

func checkHeaders(t *testing.T, got testenv.Answer, contentType string) {
	t.Helper()
	if id := got.Header.Get("x-acs-request-id"); id != got.RequestID() || !requestID.MatchString(id) {
		t.Errorf("x-acs-request-id is %q, RequestId %q", id, got.RequestID())
	}
	if id := got.Header.Get("x-acs-trace-id"); !traceID.MatchString(id) {
		t.Errorf("x-acs-trace-id is %q", id)
	}
	for name, want := range map[string]string{
		"Content-Type": contentType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "", "x-acs-retry-after": "",
	} {
		if value := got.Header.Get(name); value != want {
			t.Errorf("%s is %q, want %q", name, value, want)
		}
	}
}

// Older clients index all five fields and take any of another type badly, and
// they read errors as JSON alone where no format was asked for.
func TestEarlyErrorsHaveAllFields(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, early := range []struct {
		name   string
		change change
	}{
		{"another method", tamper(func(w *testenv.Wire) { w.Verb = http.MethodPatch })},
		{"another path", tamper(func(w *testenv.Wire) { w.Path = "/favicon.ico" })},
		{"a contradiction", inQuery("A=1&A=2")},
		{"an unknown format", together(v1Get, format("YAML"))},
		{"an unknown key", func(r *testenv.Request) { r.Credentials.AccessKeyID = "CHANnobody" }},
	} {
		t.Run(early.name, func(t *testing.T) {
			got := env.Signed("DescribePackageState", nil, early.change)
			var fields map[string]any
			if err := json.Unmarshal([]byte(got.Body), &fields); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"RequestId", "HostId", "Code", "Message", "Recommend"} {
				if text, ok := fields[name].(string); !ok || text == "" {
					t.Errorf("%s is %v", name, fields[name])
				}
			}
			if len(fields) != 5 {
				t.Errorf("there are other fields: %v", fields)
			}
			checkHeaders(t, got, jsonType)
		})
	}
}

// Every code has a page, which Recommend leads to.
func TestHelp(t *testing.T) {
	env := testenv.New(t, testenv.WithoutWorker())
	for _, row := range rpc.Errors {
		status, body := get(t, env.Endpoint+"/errors/"+url.PathEscape(string(row.Code))+"?requestId=X")
		if status != http.StatusOK || !strings.Contains(body, string(row.Code)) || !strings.Contains(body, row.Advice) {
			t.Errorf("%s: HTTP %d %s", row.Code, status, body)
		}
	}
	if status, _ := get(t, env.Endpoint+"/errors/NoSuchCode"); status != http.StatusNotFound {
		t.Errorf("a code that does not exist: HTTP %d", status)
	}
	got := env.Signed("DescribeCertificateState", map[string]string{"OrderId": "1"})
	var fields struct{ Recommend string }
	if err := json.Unmarshal([]byte(got.Body), &fields); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, fields.Recommend); status != http.StatusOK || !strings.HasPrefix(body, string(chancery.NotFoundOrder)) {
		t.Errorf("Recommend is %s: HTTP %d %s", fields.Recommend, status, body)
	}
}

func get(t *testing.T, address string) (status int, body string) {
	t.Helper()
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	http.DefaultClient.CloseIdleConnections()
	return response.StatusCode, string(text)
}
