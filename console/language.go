package console

import (
	"embed"
	"encoding/json"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"
)

//go:embed messages/*.json
var messageFiles embed.FS

//go:embed templates/*.html
var templateFiles embed.FS

// language is one that the console speaks: its messages and its templates.
type language struct {
	tag      string // as HTML has it
	messages map[string]string
	sets     map[string]*template.Template // by page
}

// languages are those there are, the default first.
var languages = []*language{newLanguage("en", "en"), newLanguage("zh", "zh-CN")}

// newLanguage reads messages/<page>.<name>.json and, with them, every template. What is
// embedded cannot be wrong in one place alone, so a fault ends the program.
func newLanguage(name, tag string) *language {
	l := &language{tag: tag, messages: map[string]string{}, sets: map[string]*template.Template{}}
	files, err := fs.Glob(messageFiles, "messages/*."+name+".json")
	must(err)
	for _, file := range files {
		text, err := messageFiles.ReadFile(file)
		must(err)
		if err := json.Unmarshal(text, &l.messages); err != nil {
			panic(file + ": " + err.Error())
		}
	}
	frame := template.Must(template.New("").Funcs(l.functions()).ParseFS(templateFiles, "templates/layout.html"))
	pages, err := fs.Glob(templateFiles, "templates/*.html")
	must(err)
	for _, file := range pages {
		page := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if page != "layout" {
			l.sets[page] = template.Must(template.Must(frame.Clone()).ParseFS(templateFiles, file))
		}
	}
	return l
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// functions are what templates may use besides html/template's own.
func (l *language) functions() template.FuncMap {
	return template.FuncMap{
		"t":     l.text,
		"asset": assetURL,
		"time":  func(at time.Time) template.HTML { return timeElement(at, "2006-01-02 15:04 UTC", "time") },
		"date":  func(at time.Time) template.HTML { return timeElement(at, time.DateOnly, "date") },
		"ms":    func(ms int64) time.Time { return time.UnixMilli(ms).UTC() },
		"dict":  dict,
	}
}

// timeElement writes a time in UTC, for console.js to show as the reader's own.
func timeElement(at time.Time, layout, kind string) template.HTML {
	if at.IsZero() {
		return "–"
	}
	at = at.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" data-show="%s">%s</time>`, at.Format(time.RFC3339), kind, at.Format(layout))) //nolint:gosec // digits alone
}

// dict gives a template called by another several values by name.
func dict(pairs ...any) (map[string]any, error) {
	d := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		key, ok := pairs[i].(string)
		if !ok {
			return nil, fmt.Errorf("dict: %v is not a name", pairs[i])
		}
		d[key] = pairs[i+1]
	}
	return d, nil
}

// text is a message: {0}, {1} ... in it are the arguments. When the first is 1, the
// message <key>.one is taken if there is one. A key without a message is shown as it
// is; the tests find it.
func (l *language) text(key string, args ...any) string {
	text, ok := l.messages[key]
	if len(args) > 0 && fmt.Sprint(args[0]) == "1" {
		if one, has := l.messages[key+".one"]; has {
			text, ok = one, true
		}
	}
	if !ok {
		return key
	}
	for i, arg := range args {
		text = strings.ReplaceAll(text, "{"+strconv.Itoa(i)+"}", fmt.Sprint(arg))
	}
	return text
}

func (l *language) set(page string) (*template.Template, error) {
	set := l.sets[page]
	if set == nil {
		return nil, fmt.Errorf("there is no template %s.html", page)
	}
	return set, nil
}

// languageOf is what the visitor chose, else what the browser asks for most.
func languageOf(r *http.Request) *language {
	if cookie, err := r.Cookie(langCookie); err == nil {
		if l := languageNamed(cookie.Value); l != nil {
			return l
		}
	}
	best, weight := languages[0], 0.0
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		name, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if text, ok := strings.CutPrefix(strings.TrimSpace(parameters), "q="); ok {
			q, _ = strconv.ParseFloat(text, 64) // 0 for what is no number
		}
		if l := languageNamed(name); l != nil && q > weight {
			best, weight = l, q
		}
	}
	return best
}

func languageNamed(name string) *language {
	main, _, _ := strings.Cut(strings.ToLower(name), "-")
	for _, l := range languages {
		if own, _, _ := strings.Cut(l.tag, "-"); own == main {
			return l
		}
	}
	return nil
}
