package service

import (
	"net/http"
	"strings"

	"chancery"
	"chancery/ca"
	"chancery/console"
	"chancery/rpc"
)

// console makes the web console, which calls operations through the gateway.
func (s *Service) console(gateway *rpc.Gateway, catalogue chancery.Catalogue, clock chancery.Clock, demonstration console.Demonstration) http.Handler {
	rules := make([]console.Rule, 0, len(ca.Rulebook()))
	for _, rule := range ca.Rulebook() {
		rules = append(rules, console.Rule(rule))
	}
	c := &console.Console{Store: s.store, Gateway: gateway, Admin: s.Admin, Catalogue: catalogue, Clock: clock, Log: s.log, Rules: rules, Lint: s.Authority.Lint, Demonstration: demonstration}
	return c.Handler()
}

// toConsole leads a person who opened the address of the API in a browser to the
// console. A call of the API is none of that: it has parameters, in the query or in
// headers.
func toConsole(gateway http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := r.Header
		if r.Method == http.MethodGet && r.URL.Path == "/" && r.URL.RawQuery == "" && r.ContentLength == 0 &&
			header.Get("Authorization") == "" && header.Get("X-Acs-Action") == "" && strings.HasPrefix(header.Get("Accept"), "text/html") {
			http.Redirect(w, r, console.Root, http.StatusSeeOther)
			return
		}
		gateway.ServeHTTP(w, r)
	})
}
