package console_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"chancery/console"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
	"chancery/rpc"
)

// Every code has its meaning in every language.
func TestEveryCodeHasItsMeaning(t *testing.T) {
	for _, lang := range []string{"en", "zh"} {
		messages := console.Messages(lang)
		known := []string{}
		for _, row := range rpc.Errors {
			known = append(known, "meaning."+string(row.Code))
			if messages["meaning."+string(row.Code)] == "" {
				t.Errorf("%s has no meaning in %s", row.Code, lang)
			}
		}
		for key := range messages {
			if strings.HasPrefix(key, "meaning.") && !slices.Contains(known, key) {
				t.Errorf("%s is the meaning of no code", key)
			}
		}
	}
}

// On pages in Chinese a refusal begins with what its code means, and the API's English
// comes after it; pages in English have that alone.
func TestRefusalsOnChinesePages(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	visit := func(lang string) *consoletest.Visitor {
		visitor := env.Visit().SignIn(env.Tenant)
		visitor.Header.Set("Accept-Language", lang)
		visitor.Get("/console/") // whose token forms are sent with
		return visitor
	}
	chinese, english := visit("zh-CN"), visit("en")
	for name, c := range map[string]struct {
		show           func(*consoletest.Visitor) consoletest.Page
		meaning, words string
	}{
		"a page that there is not": {func(v *consoletest.Visitor) consoletest.Page { return v.Get("/console/orders/7") }, "订单不存在。", "7"},
		"beside a field": {func(v *consoletest.Visitor) consoletest.Page {
			return v.Post("/console/access/users", url.Values{"name": {"no name"}})
		}, "所填内容或所做操作不被接受。", "a name has 1 to 64"},
		"of a simulation": {func(v *consoletest.Visitor) consoletest.Page {
			return v.Get("/console/access/simulate?who=user/nobody&action=ListCsr")
		}, "所填内容或所做操作不被接受。", "there is no user"},
		"in the explorer": {func(v *consoletest.Visitor) consoletest.Page {
			return v.Post("/console/explorer/GetUserCertificateDetail", url.Values{"do": {"call"}, "CertId": {"9"}})
		}, "查找的内容不存在。", "9"},
	} {
		zh, en := c.show(chinese), c.show(english)
		before, after, found := strings.Cut(zh.Body, c.meaning+" ")
		if !found || !strings.Contains(after, c.words) || before == "" {
			t.Errorf("%s in Chinese:\n%s", name, zh.Body)
		}
		if strings.Contains(en.Body, c.meaning) || !strings.Contains(en.Body, c.words) {
			t.Errorf("%s in English:\n%s", name, en.Body)
		}
	}
	stale := chinese.Send("POST", "/console/access/users", url.Values{"csrf": {"wrong"}})
	if strings.Contains(stale.Body, "所填内容或所做操作不被接受。") || !strings.Contains(stale.Body, console.Messages("zh")["console.stale"]) {
		t.Errorf("what is in Chinese already gets a meaning before it:\n%s", stale.Body)
	}
	if page := chinese.Get("/console/errors"); !strings.Contains(page.Body, "资源包已用完。") {
		t.Error("the page of codes lacks their meanings")
	}
}
