package console_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"chancery"
	"chancery/cas"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// withTags are what an application has with them.
func withTags(tags ...cas.Tag) func(*cas.CreateCertificateRequestInput) {
	return func(in *cas.CreateCertificateRequestInput) { in.Tags = tags }
}

// tagQuery asks a list for a tag.
func tagQuery(key, value string) string {
	return url.Values{"TagKey": {key}, "TagValue": {value}}.Encode()
}

// hasNot fails the test if a page has one of the texts.
func hasNot(t *testing.T, page consoletest.Page, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(page.Body, text) {
			t.Errorf("HTTP %d: the page has %q", page.Status, text)
		}
	}
}

// Tags lead to what has them, from their own page and from that of an order and a
// certificate, and another filter goes with them.
func TestTagsLeadToWhatHasThem(t *testing.T) {
	env := consoletest.New(t)
	env.Grant(chancery.DefaultProduct, 20)
	ada := enter(env, env.Tenant)
	has(t, ada.Get("/console/tags"), "Nothing has a tag yet")
	web := env.Apply("web.example.com", withTags(cas.Tag{Key: "team", Value: "web & more"}, cas.Tag{Key: "bare"}))
	shop := env.Apply("shop.example.com", withTags(cas.Tag{Key: "team", Value: "web & more"}))
	env.Apply("other.example.com", withTags(cas.Tag{Key: "team", Value: "web"}))
	env.Apply("plain.example.com")
	chain := testenv.NewChain(t, "uploaded.example.test", env.Clock.Now().AddDate(0, 2, 0))
	at := ada.Post("/console/certificates/upload", url.Values{
		"Name": {"a"}, "Cert": {chain.Full()}, "Key": {chain.Key}, "Tags": {"team=web & more"},
	}).Header.Get("Location")

	orders := "/console/orders?TagKey=team&amp;TagValue=web%20%26%20more"
	certificates := "/console/certificates?status=ALL&amp;TagKey=team&amp;TagValue=web%20%26%20more"
	all := ada.Get("/console/tags")
	has(t, all, `<a href="`+orders+`">2</a>`, `<a href="`+certificates+`">1</a>`, `<a href="/console/orders?TagKey=bare&amp;TagValue=">1</a>`)
	has(t, ada.Get(order(web)), `href="`+orders+`"`)
	has(t, ada.Get(at), `href="`+certificates+`"`)
	hasNot(t, ada.Get("/console/tags?FromKey=c"), "TagKey=bare")
	has(t, ada.Get("/console/tags?FromKey=zzz"), "No tag in use comes")
	has(t, ada.Get("/console/tags?FromKey="+strings.Repeat("x", 200)), `id="h-FromKey" class="wrong"`)

	page := ada.Get("/console/orders?Status=CHECKING&" + tagQuery("team", "web & more"))
	has(t, page, "web.example.com", order(shop), "team = web &amp; more", `href="?Status=CHECKING"`, `name="TagValue" value="web &amp; more"`)
	hasNot(t, page, "other.example.com", "plain.example.com")
	has(t, ada.Get("/console/orders?Keyword=web&"+tagQuery("bare", "")), "web.example.com", "One order")
	has(t, ada.Get("/console/orders?"+tagQuery("team", "")), "No order")
	page = ada.Get("/console/certificates?status=ALL&" + tagQuery("team", "web & more"))
	has(t, page, "uploaded.example.test", `href="?status=ALL"`, "a tag show the newest first")
	has(t, ada.Get("/console/certificates?"+tagQuery("team", "web")), "No certificate is like that")

	// The certificate's tags are replaced, and so is what leads to it.
	ada.Post(at+"/change", url.Values{"Name": {"a"}, "Tags": {"team=shop"}})
	has(t, ada.Get("/console/certificates?"+tagQuery("team", "shop")), "uploaded.example.test")
	has(t, ada.Get("/console/certificates?"+tagQuery("team", "web & more")), "No certificate is like that")
}

// Whoever may not list sees no tag, nor does another account.
func TestTagsAreForWhoMayList(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 20)
	env.Apply("web.example.com", withTags(cas.Tag{Key: "team", Value: "confidential"}))
	stranger := enter(env, env.NewAccount())
	hasNot(t, stranger.Get("/console/tags"), "confidential")
	has(t, stranger.Get("/console/orders?"+tagQuery("team", "confidential")), "No order matches")
	user := enter(env, env.AsUser("bob", testenv.Policy(testenv.Allow("*", "yundun-cert:Get*"))))
	page := user.Get("/console/tags")
	hasNot(t, page, "confidential", `href="/console/tags"`)
	has(t, page, "yundun-cert:ListUserCertificateOrder")
}

// More tags than a page has are on the next.
func TestTagsByPages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 20)
	for i := range 11 {
		var tags []cas.Tag
		for k := range chancery.MaxTags {
			tags = append(tags, cas.Tag{Key: fmt.Sprintf("key %03d", 20*i+k), Value: "<&>"})
		}
		env.Apply(fmt.Sprintf("host%d.example.com", i), withTags(tags...))
	}
	ada := enter(env, env.Tenant)
	first := ada.Get("/console/tags")
	next := "?FromKey=key&#43;200&amp;FromValue=%3C%26%3E"
	has(t, first, "key 000", "key 199", `href="`+next)
	hasNot(t, first, "key 200")
	second := ada.Get("/console/tags?FromKey=key+200&FromValue=%3C%26%3E")
	has(t, second, "key 200", "key 219")
	hasNot(t, second, "key 199", "There are more tags")
}

// Keys and values of tags are text wherever they are shown.
func TestTagsShowPayloadsAsText(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	env.Grant(chancery.DefaultProduct, 200)
	visitor := enter(env, env.Tenant)
	browser := env.Browser()
	browser.As(consoletest.Look{})
	browser.SignIn(env.Tenant)
	chain := testenv.NewChain(t, "uploaded.example.test", env.Clock.Now().AddDate(0, 2, 0))
	for _, payload := range xssPayloads {
		env.Apply("tagged.example.com", withTags(cas.Tag{Key: payload, Value: payload}))
		visitor.Post("/console/certificates/upload", url.Values{
			"Name": {fmt.Sprintf("%x", payload)}, "Cert": {chain.Full()}, "Key": {chain.Key}, "Tags": {"payload=" + payload},
		})
		query := tagQuery(payload, payload)
		for name, path := range map[string]string{
			"the tags from one on": "/console/tags?FromKey=" + url.QueryEscape(payload), "orders with a tag": "/console/orders?" + query,
			"no such orders": "/console/orders?Status=REVOKED&" + query, "certificates with a tag": "/console/certificates?" + tagQuery("payload", payload),
			"no such certificates": "/console/certificates?" + query,
		} {
			shownAsText(t, name, visitor.Get(path).Body, payload)
			browser.Open(path)
			nothingRan(t, name, browser)
		}
	}
	body := visitor.Get("/console/tags").Body
	for _, payload := range xssPayloads {
		shownAsText(t, "the tags", body, payload)
	}
	browser.Open("/console/tags")
	nothingRan(t, "the tags", browser)
	browser.As(consoletest.Look{Width: consoletest.Phone})
	browser.Open("/console/tags")
	browser.Check("tags-hostile")
}
