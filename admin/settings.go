package admin

import (
	"context"
	"errors"
	"net/url"
	"regexp"
)

// Setting is one of the service's settings as it was when it started.
type Setting struct {
	Name    string `json:"name"` // of the flag
	Value   string `json:"value"`
	Default string `json:"default"`
	// Source is where the value came from: "flag", "environment", "file" or "default".
	Source string `json:"source"`
	Help   string `json:"help"`
}

// ListSettings lists the settings of this node of the service by name, without secrets.
func (a *Admin) ListSettings(context.Context, Nothing) ([]Setting, error) {
	if len(a.Settings) == 0 {
		return nil, errors.New("the settings are those of a running service; this one was not started by `chancery serve`")
	}
	list := make([]Setting, len(a.Settings))
	for i, s := range a.Settings {
		s.Value, s.Default = WithoutSecrets(s.Value), WithoutSecrets(s.Default)
		list[i] = s
	}
	return list, nil
}

const hidden = "•••"

var passwordWord = regexp.MustCompile(`(?i)((?:password|passwd|secret|token)\s*=\s*)('(?:[^'\\]|\\.)*'|[^\s&]+)`)

// WithoutSecrets hides what may be a secret in the value of a setting: the password in
// a URL, and what follows password= in the parameters of a connection.
func WithoutSecrets(value string) string {
	value = passwordWord.ReplaceAllString(value, "${1}"+hidden)
	u, err := url.Parse(value)
	if err != nil {
		// A URL that cannot be read may have a password anywhere before its host.
		return userInfo.ReplaceAllString(value, "//"+hidden+"@")
	}
	if _, has := u.User.Password(); has {
		return userInfo.ReplaceAllString(value, "//"+u.User.Username()+":"+hidden+"@")
	}
	return value
}

var userInfo = regexp.MustCompile(`//[^/?#]*@`)
