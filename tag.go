package chancery

import (
	"strings"
	"unicode/utf8"
)

// Tag is a label of an order and its certificate.
type Tag struct {
	Key   string `json:"k"`
	Value string `json:"v"`
}

// Limits on tags: the widest that any page of the API allows.
const (
	MaxTags     = 20
	MaxTagChars = 128 // of a key, and of a value
)

// CheckTags refuses more than 20 tags, keys that are empty, longer than 128
// characters or given twice, longer values, and text that begins with "aliyun"
// or "acs:" or holds a URL, a control character or what is not UTF-8.
func CheckTags(tags []Tag) error {
	if len(tags) > MaxTags {
		return Errorf(InvalidParameter, "Tags: %d tags are given; at most %d are allowed", len(tags), MaxTags)
	}
	seen := make(map[string]bool, len(tags))
	for i, tag := range tags {
		n := i + 1
		switch {
		case tag.Key == "":
			return Errorf(InvalidParameter, "Tags.%d.Key is empty", n)
		case utf8.RuneCountInString(tag.Key) > MaxTagChars:
			return Errorf(InvalidParameter, "Tags.%d.Key has more than %d characters", n, MaxTagChars)
		case utf8.RuneCountInString(tag.Value) > MaxTagChars:
			return Errorf(InvalidParameter, "Tags.%d.Value has more than %d characters", n, MaxTagChars)
		case strings.ContainsFunc(tag.Key, oddRune):
			return Errorf(InvalidParameter, "Tags.%d.Key holds a control character or is not UTF-8", n)
		case strings.ContainsFunc(tag.Value, oddRune):
			return Errorf(InvalidParameter, "Tags.%d.Value holds a control character or is not UTF-8", n)
		case reservedTagText(tag.Key) && tag.Key != ResourceGroupTag:
			return Errorf(InvalidParameter, `Tags.%d.Key begins with "aliyun" or "acs:", or holds a URL`, n)
		case reservedTagText(tag.Value):
			return Errorf(InvalidParameter, `Tags.%d.Value begins with "aliyun" or "acs:", or holds a URL`, n)
		case seen[tag.Key]:
			return Errorf(InvalidParameter, "Tags.%d.Key repeats the key %q", n, tag.Key)
		}
		seen[tag.Key] = true
	}
	return nil
}

// ResourceGroupTag is the one reserved key that is allowed: it names the resource group.
const ResourceGroupTag = "acs:rm:rgId"

func reservedTagText(text string) bool {
	lower := strings.ToLower(text)
	return strings.HasPrefix(lower, "aliyun") || strings.HasPrefix(lower, "acs:") ||
		strings.Contains(lower, "http://") || strings.Contains(lower, "https://")
}
