package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"

	"chancery"
	"chancery/admin"
	"chancery/rpc"
)

// maxForm bounds what a form may hold: a chain with its key in PEM has 10 KB.
const maxForm = 1 << 20

// serve is what every page has in common: who it is for, whether it may be, and what
// becomes of an error.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, route *route) {
	p := &page{console: c, w: w, r: r, route: route, id: rpc.NewRequestID(), lang: languageOf(r)}
	w.Header().Set("X-Acs-Request-Id", p.id)
	err := guarded(func() error {
		if err := p.admit(); err != nil {
			return err
		}
		if p.r.Method == post && p.r.PostFormValue(askField) != "" {
			return p.askFirst()
		}
		return route.serve(p)
	})
	switch {
	case errors.Is(err, errSignInFirst):
		p.toSignIn()
	case err != nil:
		p.fail(err)
	}
}

// guarded turns a panic into an error of this request alone.
func guarded(do func() error) (err error) {
	defer func() {
		if failed := recover(); failed != nil {
			err = fmt.Errorf("panic: %v\n%s", failed, debug.Stack())
		}
	}()
	return do()
}

// errSignInFirst is for who asks for a page and is not signed in.
var errSignInFirst = errors.New("not signed in")

// admit finds out who asks, and refuses what they may not ask for.
func (p *page) admit() error {
	if err := p.identify(); err != nil {
		return err
	}
	if p.r.Method == post {
		p.r.Body = http.MaxBytesReader(p.w, p.r.Body, maxForm)
		if err := p.r.ParseMultipartForm(maxForm); err != nil && !errors.Is(err, http.ErrNotMultipart) {
			return chancery.Errorf(chancery.InvalidParameter, "the form could not be read: it is cut off, or has more than %d KB", maxForm>>10)
		}
		if err := p.checkOrigin(); err != nil {
			return err
		}
	}
	if p.session == nil && !p.route.open {
		return errSignInFirst
	}
	if p.route.needs != "" && !p.mayDo(p.route.needs) {
		return chancery.Errorf(rpc.ForbiddenRAM, "%s may not do %s", p.visitor.Principal.ARN(), p.route.needs)
	}
	return nil
}

// mayDo tells whether who is signed in may do an action in general: on all there is.
func (p *page) mayDo(action string) bool {
	return p.session != nil && (!isOperators(action) || p.account.Operator) && p.may.Allow(action, "")
}

// toSignIn leads to the sign-in page, and from there back here.
func (p *page) toSignIn() {
	p.clearCookie(p.sessionCookie())
	next := url.Values{}
	if p.r.Method == get && p.r.URL.Path != Root {
		next.Set("next", p.r.URL.RequestURI())
	}
	target := Root + "sign-in"
	if len(next) > 0 {
		target += "?" + next.Encode()
	}
	if p.isPart() {
		p.w.Header().Set("HX-Redirect", Root+"sign-in")
		p.w.WriteHeader(http.StatusUnauthorized)
		return
	}
	http.Redirect(p.w, p.r, target, http.StatusSeeOther)
}

// fail shows an error: what a caller may know of it, what to do, and the id under
// which the log has the rest.
func (p *page) fail(err error) {
	row, message := rpc.Explain(err)
	status := row.Status
	if status >= http.StatusInternalServerError && !errors.Is(err, context.Canceled) { // the browser went away
		p.console.Log.Error("a page failed", "request", p.id, "path", p.r.URL.Path, "error", err.Error())
	}
	p.status = status
	shown := struct{ Code, Message, Advice string }{string(row.Code), p.meant(row.Code, message), row.Advice}
	if err := p.render("error", shown); err != nil {
		p.console.Log.Error("the page of an error failed", "request", p.id, "error", err.Error())
		http.Error(p.w, "internal error "+p.id, http.StatusInternalServerError)
	}
}

// operate makes one of the operator's calls, as package admin has them.
func (p *page) operate(call string, in, out any) error {
	actor := admin.Actor{
		Principal: p.visitor.Principal, AccessKeyID: p.visitor.AccessKeyID, Address: p.visitor.Address.String(), RequestID: p.id,
	}
	var denied error
	if action := admin.Action(call); !p.mayDo(action) {
		denied = chancery.Errorf(rpc.ForbiddenRAM, "%s may not do %s", p.visitor.Principal.ARN(), action)
	}
	return p.console.Admin.Operate(p.r.Context(), actor, denied, call, in, out)
}

func addressOf(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}
