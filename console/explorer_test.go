package console_test

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"chancery"
	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/apidoc"
	"chancery/internal/testenv"
)

// Every operation has a page whose form has each parameter, and the call as code.
func TestExplorerHasEveryOperation(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	ada := env.Visit().SignIn(env.Tenant)
	list := ada.Get("/console/explorer")
	codes := ada.Get("/console/errors")
	for _, o := range apidoc.Operations() {
		path := "/console/explorer/" + o.ID
		if !strings.Contains(list.Body, `href="`+path+`"`) {
			t.Errorf("%s is not in the list", o.ID)
		}
		page := ada.Get(path)
		if page.Status != http.StatusOK || !strings.Contains(page.Body, o.RAMAction) || !strings.Contains(page.Body, "<h1>"+o.Name+"</h1>") {
			t.Errorf("%s: HTTP %d", o.ID, page.Status)
		}
		for _, row := range apidoc.Rows(o.Parameters, "1") {
			field := strings.Contains(page.Body, `name="`+row.Name+`"`)
			if field == (row.Type == apidoc.List) {
				t.Errorf("%s: field %s: %v", o.ID, row.Name, field)
			}
		}
		if found := snippetsOf(t, page.Body); len(found) != 6 {
			t.Errorf("%s: %d snippets", o.ID, len(found))
		}
		for _, code := range o.Errors {
			if !strings.Contains(page.Body, `href="/console/errors#`+code+`"`) || !strings.Contains(codes.Body, `id="`+code+`"`) {
				t.Errorf("%s: no way to error %s", o.ID, code)
			}
		}
		if len(o.Errors) > 0 && !strings.Contains(codes.Body, `href="`+path+`"`) {
			t.Errorf("the errors do not lead to %s", o.ID)
		}
	}
	for _, row := range apidoc.Errors() {
		if !strings.Contains(codes.Body, `id="`+row.Code+`"`) || !strings.Contains(html.UnescapeString(codes.Body), row.Advice) {
			t.Errorf("no row of error %s", row.Code)
		}
	}
	if page := ada.Get("/console/explorer/NoSuchOperation"); page.Status != http.StatusNotFound {
		t.Errorf("no such operation: HTTP %d", page.Status)
	}
}

// What a form offers for a parameter is what its comment tells.
func TestExplorerOffersWhatIsDocumented(t *testing.T) {
	used := map[string]bool{}
	for _, o := range apidoc.Operations() {
		for _, f := range o.Parameters {
			for _, value := range console.Choices[f.Name] {
				used[f.Name] = true
				if !strings.Contains(f.Doc, value) {
					t.Errorf("%s: %s is offered for %s, whose comment does not name it: %s", o.ID, value, f.Name, f.Doc)
				}
			}
		}
	}
	for name := range console.Choices {
		if !used[name] {
			t.Errorf("no operation has the parameter %s", name)
		}
	}
}

var raw = regexp.MustCompile(`(?s)data-file="([^"]+)">(.*?)</div>`)

// snippetsOf are the calls as code on a page, by their language.
func snippetsOf(t *testing.T, page string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, match := range raw.FindAllStringSubmatch(page, -1) {
		found[html.UnescapeString(match[1])] = html.UnescapeString(match[2])
	}
	return found
}

// hostileValues are values that would run, break out of where they stand, or end what they
// stand in, were they taken for more than text.
var hostileValues = append([]string{
	`</div></details><svg onload=alert(1)>`, `{{.}}${alert(1)}`, "`alert(1)`", `"; os.Exit(1) //`, `'; rm -rf / #`, "a\nb\r\nc", `$(id)`, `\u0022); evil(`, "&quot;&lt;",
	"\x00\ufeff\u2028\u202e\x7f", "\xff\xfe",
}, xssPayloads...)

// A link fills in the form, always as text, and private keys never.
func TestExplorerLinks(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	ada := env.Visit().SignIn(env.Tenant)
	open := func(value string) consoletest.Page {
		return ada.Get("/console/explorer/CreateCertificateRequest?" + url.Values{"Domain": {value}, "Unknown": {value}, "do": {"call"}, "Tags.1.Key": {value}}.Encode())
	}
	tags := regexp.MustCompile(`<[a-zA-Z/][^>]*>`)
	harmless := len(tags.FindAllString(open("harmless").Body, -1))
	for _, value := range hostileValues {
		page := open(value)
		if got := len(tags.FindAllString(page.Body, -1)); page.Status != http.StatusOK || got != harmless {
			t.Errorf("%q: HTTP %d, the page has %d tags, not %d", value, page.Status, got, harmless)
		}
		quoted, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		plain := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&", "\ufeff", `\ufeff`).Replace(string(quoted))
		for language, text := range snippetsOf(t, page.Body) {
			if strings.Contains(text, "Unknown") {
				t.Errorf("%s: sends what the operation has not", language)
			}
			text = regexp.MustCompile(`": +`).ReplaceAllString(text, `": `) // gofmt's columns
			if inCode := strings.Contains(text, `"Domain": `+plain) || strings.Contains(text, `"Domain", `+plain); !inCode && language != "curl" && language != "aliyun CLI" {
				t.Errorf("%s: %q is not there as a literal:\n%s", language, value, text)
			}
		}
	}
	const key = "-----BEGIN PRIVATE KEY-----"
	page := ada.Get("/console/explorer/UploadUserCertificate?" + url.Values{"Name": {"mine"}, "Key": {key}, "EncryptPrivateKey": {key}}.Encode())
	if strings.Contains(page.Body, key) || !strings.Contains(page.Body, `value="mine"`) {
		t.Error("a private key was taken from a link, or the name was not")
	}
	page = ada.Post("/console/explorer/UploadUserCertificate", url.Values{"do": {"code"}, "Name": {"mine"}, "Key": {key}})
	if strings.Contains(page.Body, key) || !strings.Contains(page.Body, `href="/console/explorer/UploadUserCertificate?Name=mine"`) {
		t.Error("a private key came back, or is in the link")
	}
	for language, text := range snippetsOf(t, page.Body) {
		if !strings.Contains(text, "PRIVATE_KEY") {
			t.Errorf("%s does not take the private key from the environment", language)
		}
	}
}

// A call without a key has the visitor's own rights, leaves a line in the audit log, and
// shows no private key.
func TestExplorerCallsForTheVisitor(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 5)
	issued := env.Issue("www.example.test")
	ada := env.Visit().SignIn(env.Tenant)
	call := func(visitor *consoletest.Visitor, id string, form url.Values) consoletest.Page {
		if form == nil {
			form = url.Values{}
		}
		form.Set("do", "call")
		visitor.Get("/console/explorer/" + id)
		return visitor.Post("/console/explorer/"+id, form)
	}
	answer := call(ada, "DescribePackageState", nil)
	if answer.Status != http.StatusOK || !strings.Contains(html.UnescapeString(answer.Body), `"TotalCount": 5`) {
		t.Errorf("HTTP %d\n%s", answer.Status, answer.Body)
	}
	state := html.UnescapeString(call(ada, "DescribeCertificateState", url.Values{"OrderId": {strconv.FormatInt(issued, 10)}}).Body)
	if !strings.Contains(state, "BEGIN CERTIFICATE") || strings.Contains(state, "PRIVATE KEY-----") {
		t.Error("the certificate is not shown, or its private key is")
	}
	for _, line := range env.AuditLog() {
		if line.KeyRead {
			t.Error("the audit log says that a private key was read")
		}
	}
	wrong := call(ada, "DescribeCertificateState", url.Values{"OrderId": {"1"}})
	if !strings.Contains(wrong.Body, `href="/console/errors#NotFoundOrder"`) {
		t.Error("a wrong order is not explained")
	}
	reader := env.Visit().SignIn(env.AsUser("reader", "AliyunYundunCertReadOnlyAccess"))
	if page := reader.Get("/console/explorer/DeleteCertificateRequest"); !strings.Contains(page.Body, "Your policies do not allow yundun-cert:DeleteCertificateRequest") {
		t.Error("the reader is not told that policies do not allow it")
	}
	denied := call(reader, "DeleteCertificateRequest", url.Values{"OrderId": {strconv.FormatInt(issued, 10)}})
	if !strings.Contains(denied.Body, "Forbidden.RAM") {
		t.Error("the reader was not refused")
	}
	role := call(ada, "AssumeRole-2015-04-01", url.Values{"RoleArn": {"acs:ram::1:role/x"}, "RoleSessionName": {"abc"}})
	if strings.Contains(role.Body, `id="answer"`) {
		t.Error("temporary credentials were asked for without a key")
	}
}
