package console

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"

	"chancery"
	"chancery/rpc"
)

// page is one request for a page, on its way to an answer.
type page struct {
	console *Console
	w       http.ResponseWriter
	r       *http.Request
	route   *route
	id      string // of the request, for the log and whoever asks about it
	lang    *language
	status  int // of the answer; 0 is 200

	// cookie is what the session's cookie holds, or that of a visitor who has no
	// session: tokens of forms follow from it.
	cookie  string
	session *chancery.ConsoleSession // nil: nobody is signed in
	account chancery.Account
	visitor rpc.Visitor
	may     rpc.Permissions
}

// t is a message in the visitor's language.
func (p *page) t(key string, args ...any) string { return p.lang.text(key, args...) }

// call calls an operation for who is signed in, as the API would: in is its Input,
// and the answer its Output.
func call[Out any](p *page, operation string, in any) (*Out, error) {
	output, err := p.console.Gateway.Call(p.r.Context(), p.visitor, "", operation, chancery.EncodeParameters(in))
	if err != nil {
		return nil, err
	}
	typed, ok := output.(*Out)
	if !ok {
		return nil, fmt.Errorf("%s answers a %T", operation, output)
	}
	return typed, nil
}

// section is a part of a page, or that the policies deny it.
type section[Out any] struct {
	Got    *Out // nil when it is denied
	Denied bool
}

// sectionOf is call for a part of a page that may be left out: a denial is no error.
func sectionOf[Out any](p *page, operation string, in any) (section[Out], error) {
	output, err := call[Out](p, operation, in)
	if denied(err) {
		return section[Out]{Denied: true}, nil
	}
	return section[Out]{Got: output}, err
}

// denied tells whether the policies of who is signed in do not allow what was called.
func denied(err error) bool { return chancery.CodeOf(err) == rpc.ForbiddenRAM }

// isPart tells whether htmx asks for a part of a page.
func (p *page) isPart() bool { return p.r.Header.Get("HX-Request") == "true" }

// view is what templates see: the page around, and the Data of the handler.
type view struct {
	Lang, Theme, Path, CSRF, RequestID string
	Back                               string // where to return to after a change of preferences
	Menu                               []entry
	Operates                           bool // some of Menu are the operator's
	Who                                *who // nil: nobody is signed in
	Flash                              *flash
	Data                               any
}

// entry is one of the menu.
type entry struct {
	Path, Key string
	Here      bool // the page is below it
	Operators bool
}

// who is signed in.
type who struct{ Name, Account string }

// render answers with a page: templates/<name>.html in its frame. When htmx asks for
// a part, as ?part=rows, the answer is the block "part-rows" of the template alone.
func (p *page) render(name string, data any) error {
	set, err := p.lang.set(name)
	if err != nil {
		return err
	}
	block := "layout"
	if part := p.r.URL.Query().Get("part"); p.isPart() && name != "error" && part != "" {
		if block = "part-" + part; set.Lookup(block) == nil {
			return chancery.Errorf(chancery.NotFound, "there is no such part of the page")
		}
	}
	v := p.view(data)
	var text bytes.Buffer
	if err := set.ExecuteTemplate(&text, block, v); err != nil {
		return fmt.Errorf("writing page %s: %w", name, err)
	}
	p.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	p.w.Header().Set("Vary", "Cookie, Accept-Language, HX-Request")
	if p.status != 0 {
		p.w.WriteHeader(p.status)
	}
	_, _ = p.w.Write(text.Bytes()) // who went away is not told
	return nil
}

func (p *page) view(data any) *view {
	v := &view{
		Lang: p.lang.tag, Theme: themeOf(p.r), Path: p.r.URL.Path, CSRF: token(p.cookie, csrfField), RequestID: p.id,
		Back: Root, Flash: p.takeFlash(), Data: data,
	}
	if p.r.Method == get {
		v.Back = localPath(p.r.URL.RequestURI())
	}
	if p.session == nil {
		return v
	}
	v.Who = &who{Name: p.who(), Account: fmt.Sprint(p.account.ID)}
	for _, r := range p.console.routes {
		if r.menu == "" || r.needs != "" && !p.mayDo(r.needs) {
			continue
		}
		at := Root + strings.TrimSuffix(r.path, "{$}")
		here := v.Path == at || at != Root && strings.HasPrefix(v.Path, at+"/")
		v.Menu = append(v.Menu, entry{Path: at, Key: r.menu, Here: here, Operators: isOperators(r.needs)})
		v.Operates = v.Operates || isOperators(r.needs)
	}
	return v
}

// who is how the page greets who is signed in.
func (p *page) who() string {
	if p.visitor.Principal.Kind == chancery.UserPrincipal {
		return p.visitor.Principal.Name
	}
	if p.account.Name != "" {
		return p.account.Name
	}
	return "root"
}

// redirect leads to another page of the console, given as its path below Root. It is
// the answer to a form that was done, so that loading the page anew does not do it again.
func (p *page) redirect(format string, args ...any) error {
	target := localPath(Root + fmt.Sprintf(format, args...))
	if p.isPart() {
		p.w.Header().Set("HX-Redirect", target)
		p.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	http.Redirect(p.w, p.r, target, http.StatusSeeOther)
	return nil
}
