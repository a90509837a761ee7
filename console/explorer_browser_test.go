package console_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

const orderParameters = `{"ProductCode": "symantec-dv-1-starter", "Username": "Tom O'Neil (ops)", "Phone": "13900001111", "Email": "username+dv@example.com", "Domain": "*.aliyundoc.com", "ValidateType": "DNS", "Tags.1.Key": "env", "Tags.1.Value": "a b~c"}`

// jsVectors are those of package signature that the explorer's script can make: what
// official clients make of the same calls.
var jsVectors = []struct{ name, script, text, signature string }{
	{
		"V1 A", `signV1({method: "GET", action: "DescribeCertificateState", version: "2020-04-07", parameters: {OrderId: "123451222"}}, key, at, "nonce-0001")`,
		"GET&%2F&AccessKeyId%3Dtestid%26Action%3DDescribeCertificateState%26Format%3DJSON%26OrderId%3D123451222%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-0001%26SignatureVersion%3D1.0%26Timestamp%3D2024-08-01T02%253A03%253A04Z%26Version%3D2020-04-07",
		"JKcYs9vhFT77728kvi1a/TVKmcM=",
	},
	{
		"V1 B", `signV1({method: "POST", action: "CreateCertificateRequest", version: "2020-04-07", parameters: ` + orderParameters + `}, key, at, "nonce-0002")`,
		"POST&%2F&AccessKeyId%3Dtestid%26Action%3DCreateCertificateRequest%26Domain%3D%252A.aliyundoc.com%26Email%3Dusername%252Bdv%2540example.com%26Format%3DJSON%26Phone%3D13900001111%26ProductCode%3Dsymantec-dv-1-starter%26SignatureMethod%3DHMAC-SHA1%26SignatureNonce%3Dnonce-0002%26SignatureVersion%3D1.0%26Tags.1.Key%3Denv%26Tags.1.Value%3Da%2520b~c%26Timestamp%3D2024-08-01T02%253A03%253A04Z%26Username%3DTom%2520O%2527Neil%2520%2528ops%2529%26ValidateType%3DDNS%26Version%3D2020-04-07",
		"jKzrjZtLzWBp+HGJhEg9FlGaw6Y=",
	},
	{
		"V3 1: query", `signV3({method: "POST", host: "cas.example.test", action: "CreateCertificateRequest", version: "2020-04-07", query: ` + orderParameters + `, body: "", type: ""}, key, at, "nonce-0004")`,
		"ACS3-HMAC-SHA256\n385cf77907954558f96d8122af2f270860d47d1a44c23e13911dab5fad35b367", "31e0fa3c79f5cc4a5c960b29061283dea37de6a13164d607beb10eb05539cebe",
	},
	{
		"V3 2: body", `signV3({method: "POST", host: "127.0.0.1:8443", action: "CreateCertificateRequest", version: "2020-04-07", query: {}, type: "application/x-www-form-urlencoded",
			body: "ProductCode=symantec-dv-1-starter&Username=Tom%20O'Neil%20(ops)&Phone=13900001111&Email=username%2Bdv%40example.com&Domain=*.aliyundoc.com&ValidateType=DNS&Tags.1.Key=env&Tags.1.Value=a%20b~c"}, key, at, "nonce-0005")`,
		"ACS3-HMAC-SHA256\n0de8a0e54fd790a40ea781fc801bb90e3642f665137123f5352f6e7d16c1211f", "b87229fe8837b4134796fa0200abc1e1d2e95fe1275ecb6a1b9163b10fb70c13",
	},
	{
		"V3 3: temporary", `signV3({method: "POST", host: "cas.example.test", action: "DescribeCertificateState", version: "2020-04-07", query: {OrderId: "123451222"}, body: "", type: ""}, temporary, at, "nonce-0006")`,
		"ACS3-HMAC-SHA256\nfd1060cd4dac5e395c8ed38d363ed7539bf62998624dc450cda3a44212f8bf5e", "113c8119fb2efb855e2f67dfe8c8fd38d461a96e2c28fef61e1f6ed0ceb48be3",
	},
	{
		"V3 4: published", `signV3({method: "POST", host: "ecs.cn-shanghai.aliyuncs.com", action: "RunInstances", version: "2014-05-26", query: {ImageId: "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd", RegionId: "cn-shanghai"}, body: "", type: ""},
			await explorer.keyOf("YourAccessKeyId", "YourAccessKeySecret", ""), "2023-10-26T10:22:32Z", "3156853299f313e23d1673dc12e1703d")`,
		"ACS3-HMAC-SHA256\n7ea06492da5221eba5297e897ce16e55f964061054b7695beedaac1145b1e259", "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
	},
}

// The journey of somebody who follows a link to an operation, signs with a key, sees the
// answer, goes on to another operation, and errs in the secret.
func TestExplorerInABrowser(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 20)
	order := env.Issue("www.example.test")
	browser := env.Browser()
	browser.SignIn(env.Tenant)

	t.Run("vectors", func(t *testing.T) {
		browser.Open("/console/explorer/DescribeCertificateState")
		for _, v := range jsVectors {
			script := `(async () => { const at = "2024-08-01T02:03:04Z", key = await explorer.keyOf("testid", "testsecret", ""), temporary = await explorer.keyOf("testid", "testsecret", "sts-token-example");
				const signed = await explorer.` + v.script + `; return JSON.stringify([signed.text, signed.signature]); })()`
			var got [2]string
			if err := json.Unmarshal([]byte(consoletest.Ask(browser, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise))), &got); err != nil {
				t.Fatal(err)
			}
			if got != [2]string{v.text, v.signature} {
				t.Errorf("%s:\n got %q\nwant %q", v.name, got, [2]string{v.text, v.signature})
			}
		}
		extractable := `explorer.keyOf("a", "b", "").then((k) => crypto.subtle.exportKey("raw", k.v3)).then(() => "read", () => "refused")`
		if got := consoletest.Ask(browser, chromedp.Evaluate[string](extractable, chromedp.EvalAwaitPromise)); got != "refused" {
			t.Error("a script can read the secret out of the key")
		}
	})

	e := explorerPage{t, browser}
	browser.Open(fmt.Sprintf("/console/explorer/DescribeCertificateState?OrderId=%d", order))
	e.enter(env.Key.ID, string(env.Key.Secret.Reveal()), "")
	for _, scheme := range []string{"V3", "V1"} {
		e.send(scheme)
		answer := e.text("#raw-answer")
		if !strings.HasPrefix(answer, "HTTP 200") || !strings.Contains(answer, `"Certificate": "-----BEGIN`) || !strings.Contains(answer, "x-acs-request-id") {
			t.Fatalf("%s: %s", scheme, answer)
		}
		if strings.Contains(answer, "PRIVATE KEY") || !strings.Contains(answer, "•••") {
			t.Errorf("%s: the private key is not masked", scheme)
		}
		if canonical := e.text("#canonical"); (scheme == "V3") != strings.HasPrefix(canonical, "POST\n/\nOrderId=") {
			t.Errorf("%s: canonical request %q", scheme, canonical)
		}
		if all := e.text("#signed"); strings.Contains(all, string(env.Key.Secret.Reveal())) {
			t.Errorf("%s: the page shows the secret", scheme)
		}
	}
	browser.Do(chromedp.Click(chromedp.CSS("#raw-answer button.masked")))
	if !strings.Contains(e.text("#raw-answer"), "PRIVATE KEY-----") {
		t.Error("the private key is not shown when it is asked for")
	}

	// Another operation: the key is still there, and the secret in no storage.
	browser.Do(chromedp.Click(chromedp.CSS(".crumb a")), chromedp.WaitVisible(chromedp.CSS(".operations")))
	browser.Do(chromedp.Click(chromedp.CSS(`a[href$="/DescribePackageState"]`)), chromedp.WaitVisible(chromedp.CSS("#call")))
	if got := e.text("#kept-id"); got != env.Key.ID {
		t.Errorf("on another operation the key is %q", got)
	}
	if stored := consoletest.Ask(browser, chromedp.Evaluate[int](`sessionStorage.length + localStorage.length`)); stored != 0 {
		t.Error("something is in the browser's storage")
	}
	e.send("V3")
	if answer := e.text("#raw-answer"); !strings.Contains(answer, `"TotalCount": 20`) {
		t.Error(answer)
	}
	browser.Do(chromedp.NavigateBack())
	browser.Do(chromedp.WaitVisible(chromedp.CSS(".operations")))

	// A wrong secret: both strings to sign are compared.
	browser.Open("/console/explorer/DescribePackageState?ProductCode=%2B%20~")
	if got := e.text("#kept-id"); got != "" {
		t.Error("the key outlived the page")
	}
	e.enter(env.Key.ID, "a-wrong-secret-of-30-characters", "")
	for _, scheme := range []string{"V1", "V3"} {
		e.send(scheme)
		ours, theirs, verdict := e.text("#ours"), e.text("#theirs"), e.text("#verdict")
		if ours == "" || ours != theirs || !strings.Contains(verdict, "the secret is not that of this access key") {
			t.Errorf("%s: %q\nours   %s\ntheirs %s", scheme, verdict, ours, theirs)
		}
		if !strings.Contains(e.text("#outcome"), "SignatureDoesNotMatch") {
			t.Errorf("%s: %s", scheme, e.text("#outcome"))
		}
	}
	ignoreBadRequests(t, browser)
	browser.Check("explorer-mismatch")

	// Temporary credentials.
	role := env.AsRole("reader", "AliyunYundunCertReadOnlyAccess")
	browser.Do(chromedp.Click(chromedp.CSS("#forget")))
	browser.Open("/console/explorer/DescribePackageState")
	e.enter(role.Key.ID, string(role.Key.Secret.Reveal()), role.Token)
	for _, scheme := range []string{"V3", "V1"} {
		e.send(scheme)
		if answer := e.text("#raw-answer"); !strings.HasPrefix(answer, "HTTP 200") {
			t.Errorf("%s: %s", scheme, answer)
		}
		if strings.Contains(e.text("#signed"), role.Token) {
			t.Errorf("%s: the token is not masked", scheme)
		}
	}

	// Temporary credentials in an answer are masked as private keys are, and Enter in a
	// field of a parameter calls nothing.
	browser.Open("/console/explorer/AssumeRole-2015-04-01?" + url.Values{"RoleArn": {env.NewRole("other", testenv.Trusting(env.Principal.ARN())).ARN()}, "RoleSessionName": {"explorer"}}.Encode())
	e.enter(env.Key.ID, string(env.Key.Secret.Reveal()), "")
	e.send("V3")
	if masked := consoletest.Ask(browser, chromedp.Evaluate[int](`document.querySelectorAll("#raw-answer button.masked").length`)); masked != 2 {
		t.Errorf("%d secrets are masked: %s", masked, e.text("#raw-answer"))
	}
	browser.Open("/console/explorer/CreateContact?Name=Ada&Mobile=13900001111")
	consoletest.Ask(browser, chromedp.Evaluate[chromedp.Void](`document.getElementById("call").dataset.before = "yes"`))
	browser.Do(chromedp.SendKeys(chromedp.CSS(`[name="Name"]`), "\r"), chromedp.WaitReady(chromedp.CSS("#call:not([data-before])")))
	if contacts := env.Count("SELECT COUNT(*) FROM contacts"); contacts != 0 {
		t.Error("Enter in a field made the call")
	}

	// A private key goes into the body, and the code does not get it.
	chain := testenv.NewChain(t, "up.example.test", env.Clock.Now().Add(24*time.Hour))
	browser.Open("/console/explorer/UploadUserCertificate#Name=from+the+fragment&Key=no")
	e.enter(env.Key.ID, string(env.Key.Secret.Reveal()), "")
	if name, secret := e.value("Name"), e.value("Key"); name != "from the fragment" || secret != "" {
		t.Errorf("the link filled in %q and the private key %q", name, secret)
	}
	e.fill("Cert", chain.Full())
	e.fill("Key", chain.Key)
	browser.Do(chromedp.Click(chromedp.CSS("[data-add]")), chromedp.WaitVisible(chromedp.CSS(`[name="Tags.2.Key"]`)))
	e.fill("Tags.2.Key", "env")
	e.fill("Tags.2.Value", "a b~c")
	e.wait(`document.querySelector('#code .raw').textContent.includes('"Tags.2.Value": "a b~c"')`)
	if code := e.text("#code"); !strings.Contains(code, "PRIVATE_KEY") || strings.Contains(code, "PRIVATE KEY-----") {
		t.Error(code)
	}
	for _, scheme := range []string{"V3", "V1"} {
		e.fill("Name", "from the explorer by "+scheme)
		e.send(scheme)
		if answer := e.text("#raw-answer"); !strings.Contains(answer, `"CertId"`) {
			t.Errorf("%s: %s", scheme, answer)
		}
		if strings.Contains(e.text("#signed"), "PRIVATE%2520KEY") || strings.Contains(e.text("#signed"), "PRIVATE%20KEY") {
			t.Errorf("%s: the private key that was sent is not masked", scheme)
		}
	}
	if link := consoletest.Ask(browser, chromedp.Evaluate[string](`document.getElementById("link").href`)); strings.Contains(link, "PRIVATE") {
		t.Error(link)
	}

	// Links that would run something, were they taken for more than text.
	for _, value := range hostile {
		browser.Open("/console/explorer/ListContact?" + queryOf("Keyword", value))
		e.fill("ShowSize", value)
		e.enter(env.Key.ID, "x", "")
		browser.Do(chromedp.Click(chromedp.CSS("#sign")), chromedp.WaitVisible(chromedp.CSS("#signed")))
	}
	browser.Check("explorer-hostile")
}

func TestExplorerLooks(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	browser := env.Browser()
	browser.SignIn(env.Tenant)
	for _, look := range consoletest.Looks {
		browser.As(look)
		for name, path := range map[string]string{
			"explorer-operation": "/console/explorer/CreateCertificateForPackageRequest?Domain=www.example.com",
			"explorer-answer":    "/console/explorer/DescribePackageState",
		} {
			browser.Open(path)
			if name == "explorer-answer" {
				e := explorerPage{t, browser}
				e.enter(env.Key.ID, string(env.Key.Secret.Reveal()), "")
				e.send("V3")
				ignoreBadRequests(t, browser)
			}
			browser.Check(name + "-" + look.String())
		}
	}
}

// explorerPage is the page of an operation in a browser.
type explorerPage struct {
	t *testing.T
	*consoletest.Browser
}

func (e explorerPage) enter(id, secret, token string) {
	e.t.Helper()
	for field, text := range map[string]string{"#key-id": id, "#key-secret": secret, "#key-token": token} {
		if text != "" {
			e.Do(chromedp.SendKeys(chromedp.CSS(field), text))
		}
	}
}

func (e explorerPage) fill(name, value string) {
	e.t.Helper()
	script := `(name, value) => { const field = document.querySelector("[name='" + name + "']"); field.value = value; field.dispatchEvent(new Event("input", {bubbles: true})); }`
	quotedName, _ := json.Marshal(name)
	quoted, _ := json.Marshal(value)
	consoletest.Ask(e.Browser, chromedp.Evaluate[chromedp.Void]("("+script+")("+string(quotedName)+", "+string(quoted)+")"))
}

func (e explorerPage) value(name string) string {
	e.t.Helper()
	return consoletest.Ask(e.Browser, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector("[name='%s']").value`, name)))
}

// send signs by a scheme, sends, and waits for the answer.
func (e explorerPage) send(scheme string) {
	e.t.Helper()
	consoletest.Ask(e.Browser, chromedp.Evaluate[chromedp.Void](`document.getElementById("outcome").replaceChildren()`))
	e.Do(chromedp.SetValue(chromedp.CSS("#scheme"), scheme), chromedp.Click(chromedp.CSS("#send")))
	e.wait(`document.querySelector("#outcome p") !== null && document.getElementById("raw-answer").textContent !== ""`)
}

// wait waits until an expression is true.
func (e explorerPage) wait(expression string) {
	e.t.Helper()
	script := `(async () => { for (let i = 0; i < 600; i++) { if (` + expression + `) return true; await new Promise((again) => setTimeout(again, 50)); } return false; })()`
	if !consoletest.Ask(e.Browser, chromedp.Evaluate[bool](script, chromedp.EvalAwaitPromise)) {
		e.t.Fatalf("waited in vain for %s; troubles: %q", expression, e.Troubles())
	}
}

func (e explorerPage) text(selector string) string {
	e.t.Helper()
	return consoletest.Ask(e.Browser, chromedp.Evaluate[string](fmt.Sprintf(`document.querySelector(%q).textContent`, selector)))
}

func queryOf(name, value string) string { return url.Values{name: {value}}.Encode() }

// ignoreBadRequests drops what a browser logs of every answer of 400 and above, which
// this test asks for; anything else fails it.
func ignoreBadRequests(t *testing.T, browser *consoletest.Browser) {
	t.Helper()
	for _, trouble := range browser.Troubles() {
		if !strings.Contains(trouble, "the server responded with a status of 40") {
			t.Error(trouble)
		}
	}
}
