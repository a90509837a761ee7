package console_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"chancery"
	"chancery/console"
)

var (
	usedInTemplates = regexp.MustCompile(`\bt "([^"]+)"`)
	usedInCode      = regexp.MustCompile(`"([a-z][A-Za-z-]*\.[a-zA-Z.]+)"`)
	comment         = regexp.MustCompile(`(?s)\{\{/\*.*?\*/\}\}`)
	placeholder     = regexp.MustCompile(`\{\d\}`)
	// Built from a status: {{t (print "status." .)}}.
	built = regexp.MustCompile(`t \(print "([a-zA-Z]+\.)"`)
)

// Both languages say the same things, every message that is used exists, and none
// that exists is used nowhere.
func TestMessages(t *testing.T) {
	en, zh := console.Messages("en"), console.Messages("zh")
	keys := func(m map[string]string) (list []string) {
		for key := range m {
			if !strings.HasSuffix(key, ".one") { // one language may need what another does not
				list = append(list, key)
			}
		}
		slices.Sort(list)
		return list
	}
	if a, b := keys(en), keys(zh); !slices.Equal(a, b) {
		t.Errorf("the languages differ:\n%q\n%q", a, b)
	}
	for key := range en {
		if a, b := placeholder.FindAllString(en[key], -1), placeholder.FindAllString(zh[key], -1); zh[key] != "" && !slices.Equal(sorted(a), sorted(b)) {
			t.Errorf("%s has %q in English and %q in Chinese", key, a, b)
		}
	}
	used := usedMessages(t, en)
	for _, status := range chancery.ListStatuses {
		used["status."+string(status)] = true
	}
	for key := range used {
		if en[key] == "" {
			t.Errorf("%s is used and has no message", key)
		}
	}
	for key := range en {
		if !used[strings.TrimSuffix(key, ".one")] && !builtFrom(t, key) {
			t.Errorf("%s is used nowhere", key)
		}
	}
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }

// usedMessages finds keys in templates and code.
func usedMessages(t *testing.T, known map[string]string) map[string]bool {
	t.Helper()
	used := map[string]bool{}
	for _, text := range files(t, "templates/*.html") {
		for _, match := range usedInTemplates.FindAllStringSubmatch(comment.ReplaceAllString(text, ""), -1) {
			used[match[1]] = true
		}
	}
	for _, text := range files(t, "*.go") {
		for _, match := range usedInCode.FindAllStringSubmatch(text, -1) {
			if _, ok := known[match[1]]; ok {
				used[match[1]] = true
			}
		}
	}
	return used
}

// builtFrom tells whether a template puts keys together that begin like this one.
func builtFrom(t *testing.T, key string) bool {
	for _, text := range files(t, "templates/*.html") {
		for _, match := range built.FindAllStringSubmatch(text, -1) {
			if strings.HasPrefix(key, match[1]) {
				return true
			}
		}
	}
	return false
}

func files(t *testing.T, pattern string) map[string]string {
	t.Helper()
	names, err := filepath.Glob(pattern)
	if err != nil || len(names) == 0 {
		t.Fatalf("%s: %v, %v", pattern, names, err)
	}
	texts := map[string]string{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(name, "_test.go") {
			texts[name] = string(text)
		}
	}
	return texts
}

// A message belongs to the file of its page, so that writers of pages do not meet.
func TestMessagesStandInTheFileOfTheirPage(t *testing.T) {
	for name, text := range files(t, "messages/*.json") {
		page, _, _ := strings.Cut(filepath.Base(name), ".")
		prefix := regexp.MustCompile(`(?m)^  "([^."]+)\.`)
		for _, match := range prefix.FindAllStringSubmatch(text, -1) {
			if page != match[1] && page != kebab(match[1]) {
				t.Errorf("%s has a message of %s", name, match[1])
			}
		}
	}
}

func kebab(text string) string {
	return strings.ToLower(regexp.MustCompile(`[A-Z]`).ReplaceAllString(text, "-$0"))
}

// Every form that is posted holds the token, and nothing stands in a page that the
// content security policy would not let run.
func TestTemplates(t *testing.T) {
	form := regexp.MustCompile(`(?s)<form[^>]*method="post".*?</form>`)
	inline := regexp.MustCompile(`(?i)<style|<script[^>]*>[^<]|\sstyle=|\son[a-z]+=|hx-on|javascript:|template\.HTML`)
	for _, name := range slices.Sorted(maps.Keys(files(t, "templates/*.html"))) {
		text := files(t, "templates/*.html")[name]
		for _, found := range form.FindAllString(text, -1) {
			if !strings.Contains(found, `{{template "csrf"`) && !strings.Contains(found, `name="csrf"`) {
				t.Errorf("%s: a form without token: %s", name, found)
			}
		}
		if found := inline.FindString(text); found != "" {
			t.Errorf("%s has %q", name, found)
		}
	}
}
