package console

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"go/format"
	"strings"
	"text/template"

	"chancery/internal/apidoc"
	"chancery/signature"
)

// example is one call, which the templates below write down as code. The secrets that
// it needs come from the environment.
type example struct {
	apidoc.Operation
	Host       string // as the browser called it
	Secure     bool
	Parameters []sent
}

// snippet is a call as code.
type snippet struct{ Name, File, Text string }

//go:embed snippets/*.tmpl
var snippetFiles embed.FS

var snippetTemplates = template.Must(template.New("").Funcs(template.FuncMap{
	"quote": quoteJSON, "shell": quoteShell, "env": environmentName,
}).ParseFS(snippetFiles, "snippets/*.tmpl"))

// languagesOfCode are those that a call is written in.
var languagesOfCode = []struct{ name, file, template string }{
	{"Go", "main.go", "go.tmpl"},
	{"TypeScript", "call.ts", "typescript.tmpl"},
	{"Python", "call.py", "python.tmpl"},
	{"Java", "Call.java", "java.tmpl"},
	{"aliyun CLI", "call.sh", "aliyun.tmpl"},
	{"curl", "call.sh", "curl.tmpl"},
}

func snippets(e example) (list []snippet, err error) {
	for _, language := range languagesOfCode {
		var text bytes.Buffer
		if err := snippetTemplates.ExecuteTemplate(&text, language.template, e); err != nil {
			return nil, fmt.Errorf("writing a call for %s: %w", language.name, err)
		}
		if language.name == "Go" {
			formatted, err := format.Source(text.Bytes())
			if err != nil {
				return nil, fmt.Errorf("writing a call for Go: %w", err)
			}
			text.Reset()
			_, _ = text.Write(formatted)
		}
		list = append(list, snippet{language.name, language.file, text.String()})
	}
	return list, nil
}

// Scheme is that of the endpoint.
func (e example) Scheme() string {
	if e.Secure {
		return "https"
	}
	return "http"
}

// Endpoint is the URL of the service.
func (e example) Endpoint() string { return e.Scheme() + "://" + e.Host }

// HasSecret tells whether a private key is sent: then parameters go into the body, which
// no log of a proxy holds.
func (e example) HasSecret() bool {
	for _, s := range e.Parameters {
		if s.Secret {
			return true
		}
	}
	return false
}

// Query is what curl sends in the URL, as both sides sign it.
func (e example) Query() string {
	var pairs []string
	for _, s := range e.Parameters { // which are sorted
		if !s.Secret {
			pairs = append(pairs, s.Name+"="+signature.Encode(s.Value))
		}
	}
	return strings.Join(pairs, "&")
}

// quoteJSON writes text as a literal, which is the same in Go, TypeScript, Python and Java.
func quoteJSON(text string) (string, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(text)
	// A byte order mark within a file is an error in Go.
	return strings.ReplaceAll(strings.TrimSpace(b.String()), "\ufeff", `\ufeff`), err
}

// quoteShell writes text as one word of a POSIX shell, which knows no NUL.
func quoteShell(text string) string {
	return "'" + strings.NewReplacer("'", `'\''`, "\x00", "").Replace(text) + "'"
}

// environmentName is the variable that holds a private key: Key is PRIVATE_KEY,
// SignPrivateKey SIGN_PRIVATE_KEY.
func environmentName(parameter string) string {
	before := strings.TrimSuffix(strings.TrimSuffix(parameter, "Key"), "Private")
	if before != "" {
		before = strings.ToUpper(before) + "_"
	}
	return before + "PRIVATE_KEY"
}
