package chancery

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTags(t *testing.T) {
	twenty := make([]Tag, MaxTags)
	for i := range twenty {
		twenty[i] = Tag{Key: fmt.Sprint("k", i), Value: "the same"}
	}
	key := func(text string) []Tag { return []Tag{{Key: text, Value: "v"}} }
	value := func(text string) []Tag { return []Tag{{Key: "k", Value: text}} }
	for _, c := range []struct {
		name string
		tags []Tag
		why  string // empty: taken
	}{
		{"none", nil, ""},
		{"a pair", key("team"), ""},
		{"an empty value", value(""), ""},
		{"128 characters of key and value", []Tag{{strings.Repeat("ü", 128), strings.Repeat("語", 128)}}, ""},
		{"keys that differ in case", []Tag{{"a", ""}, {"A", ""}}, ""},
		{"twenty", twenty, ""},
		{"the reserved key of resource groups", key(ResourceGroupTag), ""},
		{"reserved words inside", []Tag{{"my-aliyun", "x-acs:y"}, {"httpd", "http:/x"}}, ""},
		{"twenty-one", append(twenty[:20:20], Tag{Key: "one more"}), "21 tags are given"},
		{"no key", key(""), "Tags.1.Key is empty"},
		{"129 characters of key", key(strings.Repeat("a", 129)), "Tags.1.Key has more than 128"},
		{"129 characters of value", value(strings.Repeat("ü", 129)), "Tags.1.Value has more than 128"},
		{"a key twice", []Tag{{"a", "1"}, {"b", "2"}, {"a", "3"}}, `Tags.3.Key repeats the key "a"`},
		{"the reserved key twice", []Tag{{ResourceGroupTag, "1"}, {ResourceGroupTag, "2"}}, "Tags.2.Key repeats"},
		{"a key that begins with aliyun", key("aliyun"), "Tags.1.Key begins with"},
		{"the same in capitals", key("AliYun-x"), "Tags.1.Key begins with"},
		{"a key that begins with acs:", key("acs:x"), "Tags.1.Key begins with"},
		{"the reserved key in other letters", key("ACS:rm:rgId"), "Tags.1.Key begins with"},
		{"a value that begins with aliyun", value("aliyun"), "Tags.1.Value begins with"},
		{"the reserved key as a value", value(ResourceGroupTag), "Tags.1.Value begins with"},
		{"a URL in a key", key("see http://x"), "Tags.1.Key begins with"},
		{"a URL in a value", value("see HTTPS://x"), "Tags.1.Value begins with"},
		{"a control character in a key", key("a\x00b"), "Tags.1.Key holds"},
		{"a line end in a value", value("a\nb"), "Tags.1.Value holds"},
		{"bytes that are not UTF-8", value("a\xff"), "Tags.1.Value holds"},
		{"a bad one after a good one", []Tag{{"a", ""}, {"", ""}}, "Tags.2.Key is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := CheckTags(c.tags)
			if c.why != "" {
				refusal(t, err, InvalidParameter, c.why)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// FuzzTags: what is taken keeps to every limit, and is taken again.
func FuzzTags(f *testing.F) {
	f.Add("env", "prod")
	f.Add("acs:rm:rgId", "rg-1")
	f.Add("ALIYUN-x", "http://example.com")
	f.Add(strings.Repeat("ü", 128), "")
	f.Fuzz(func(t *testing.T, key, value string) {
		tags := []Tag{{Key: key, Value: value}}
		err := CheckTags(tags)
		if err != nil {
			if CodeOf(err) != InvalidParameter {
				t.Fatal(err)
			}
			return
		}
		if key == "" || utf8.RuneCountInString(key) > 128 || utf8.RuneCountInString(value) > 128 {
			t.Errorf("%q=%q was taken", key, value)
		}
		for _, text := range []string{key, value} {
			lower := strings.ToLower(text)
			if text != ResourceGroupTag && (strings.HasPrefix(lower, "acs:") || strings.HasPrefix(lower, "aliyun")) || strings.Contains(lower, "http://") || strings.Contains(lower, "https://") {
				t.Errorf("%q was taken", text)
			}
		}
		if CheckTags(append(tags, tags...)) == nil {
			t.Error("the same key twice was taken")
		}
	})
}
