// Package console is the web console: pages that are rendered here and call the same
// operations, under the same policies, as the API.
//
// A page is one Go file, one template and two files of messages. To add one, say of
// CSRs:
//
//  1. A row in routes (console.go): {method: get, path: "csrs", serve: listCSRs, needs:
//     "yundun-cert:ListCsr", menu: "csrs.title"}. needs is what the policies must allow
//     for the page and its entry in the menu; leave it out for a page about one thing,
//     as "csrs/{id}", whose calls decide.
//  2. csrs.go with func listCSRs(p *page) error: get data by call[cas.ListCsrOutput](p,
//     "ListCsr", cas.ListCsrInput{...}), or by sectionOf where a denial hides a part of
//     the page, or by p.operate("review.list", in, &out) for the operator's calls; then
//     return p.render("csrs", data). An error that is returned gets a page of its own.
//  3. templates/csrs.html, which defines "title" and "main" ("crumbs" and "actions" if
//     wanted); the handler's data is .Data. layout.html has parts to use: field, wrong,
//     denied, copy, paging, status, crumb. Text is {{t "csrs.empty"}}, a time {{time .At}}
//     or {{date .At}}; milliseconds of the API become a time by ms.
//  4. messages/csrs.en.json and csrs.zh.json, whose keys begin with "csrs.". Arguments
//     are {0}, {1}; "key.one" is taken when the first is 1.
//
// What changes something is a POST with {{template "csrf" $}} in its form; it ends in
// p.flash("csrs.deleted", id) and return p.redirect("csrs"). When a call finds fault
// with a parameter, f := p.form() and p.refuse(f, err, "Domain", "Name") put the
// message beside its field; then render the form anew with f. {{template "ask" (t
// "csrs.sure")}} in a form asks first, with scripts and without.
//
// A part that htmx fetches by itself is a block named "part-rows" in the page's
// template: hx-get="?part=rows" gets that block from the same handler.
//
// Operations that only pages need, and that tell what another operation tells, are rows
// of cas.Service.Inside under the RAM action of that one.
//
// A page's test visits it with package consoletest, and adds its paths to
// TestPagesInABrowser; forged forms, headers and messages are tested for every row and
// template there is.
//
// Nothing runs or looks that stands in a page itself: no style or on... attribute, no
// inline script. console.js and console.css have it, by class and data- attribute.
package console
