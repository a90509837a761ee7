package console

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"chancery"
	"chancery/admin"
	"chancery/rpc"
)

// What the operator's pages, and those for an account's administrator, have in common.

// operatorRoutes are the operator's pages.
func operatorRoutes() []route {
	return []route{
		{method: get, path: "operator/reviews", serve: listReviews, needs: "chancery:review.list", menu: "reviews.title"},
		{method: get, path: "operator/reviews/{id}", serve: showReview, needs: "chancery:review.show"},
		{method: post, path: "operator/reviews/{id}/approve", serve: approveReview, needs: "chancery:review.approve"},
		{method: post, path: "operator/reviews/{id}/reject", serve: rejectReview, needs: "chancery:review.reject"},
		{method: get, path: "operator/accounts", serve: listAccounts, needs: "chancery:account.list", menu: "accounts.title"},
		{method: post, path: "operator/accounts", serve: createAccount, needs: "chancery:account.create"},
		{method: get, path: "operator/accounts/{id}", serve: showAccount, needs: "chancery:account.list"},
		{method: post, path: "operator/accounts/{id}/grant", serve: grantPlan, needs: "chancery:plan.grant"},
		{method: post, path: "operator/accounts/{id}/operator", serve: setOperator, needs: "chancery:account.operator"},
		{method: post, path: "operator/accounts/{id}/key", serve: createAccountKey, needs: "chancery:accesskey.create"},
		{method: get, path: "operator/issuers", serve: listIssuers, needs: "chancery:issuer.list", menu: "issuers.title"},
		{method: post, path: "operator/issuers/{name}/test", serve: testIssuer, needs: "chancery:issuer.test"},
		{method: get, path: "operator/steps", serve: listSteps, needs: "chancery:steps.list", menu: "steps.title"},
		{method: post, path: "operator/steps/retry", serve: retrySteps, needs: "chancery:steps.retry"},
		{method: get, path: "operator/audit", serve: showAudit, needs: "chancery:audit.read", menu: "audit.title"},
		{method: get, path: "operator/audit/export", serve: exportAudit, needs: "chancery:audit.read"},
		{method: get, path: "operator/notices", serve: operatorNotices, needs: "chancery:notice.list", menu: "notices.operators"},
		{method: post, path: "operator/notices", serve: addOperatorTarget, needs: "chancery:notice.target.add"},
		{method: post, path: "operator/notices/{id}/test", serve: testOperatorTarget, needs: "chancery:notice.target.test"},
		{method: post, path: "operator/notices/{id}/remove", serve: removeOperatorTarget, needs: "chancery:notice.target.remove"},
		{method: get, path: "operator/sessions", serve: listSessions, needs: "chancery:console.sessions", menu: "sessions.title"},
		{method: post, path: "operator/sessions/end", serve: endSession, needs: "chancery:console.sign-out"},
		{method: get, path: "operator/health", serve: showHealth, needs: "chancery:doctor", menu: "health.title"},
		{method: post, path: "operator/health/doctor", serve: examineData, needs: "chancery:doctor"},
		{method: post, path: "operator/health/keyring", serve: countKeyring, needs: "chancery:keyring.status"},
		{method: get, path: "operator/settings", serve: showSettings, needs: "chancery:settings.list", menu: "settings.title"},
	}
}

// instruct makes one of the operator's calls. What a call says against it is written
// for the operator, as on the command line, and is shown.
func (p *page) instruct(call string, in, out any) error {
	return told(p.operate(call, in, out), true)
}

// administer makes one of the calls about who may do what in the account of who is
// signed in, and about no other account.
func (p *page) administer(call string, in, out any) error {
	action, known := admin.AdministrationAction(call)
	if !known {
		return fmt.Errorf("%s is no call of an account's administration", call)
	}
	var denied error
	if !p.mayDo(action) {
		denied = chancery.Errorf(rpc.ForbiddenRAM, "%s may not do %s", p.visitor.Principal.ARN(), action)
	}
	return told(p.console.Admin.Administer(p.r.Context(), p.actor(), denied, call, in, out), false)
}

func (p *page) actor() admin.Actor {
	return admin.Actor{
		Principal: p.visitor.Principal, AccessKeyID: p.visitor.AccessKeyID, Address: p.visitor.Address.String(), RequestID: p.id,
	}
}

// told makes what package admin says in words an error whose words are shown. With all,
// that is whatever went wrong, as on the operator's terminal; without, what came from
// elsewhere, as from the database, stays for the log.
func told(err error, all bool) error {
	var public *chancery.Error
	if err == nil || errors.As(err, &public) || errors.Is(err, context.Canceled) {
		return err
	}
	cause := err
	for next := cause; next != nil; next = errors.Unwrap(cause) {
		cause = next
	}
	if !all && fmt.Sprintf("%T", cause) != plainError {
		return err
	}
	return chancery.Errorf(chancery.InvalidParameter, "%s", err.Error())
}

// plainError is the type of an error that is nothing but words.
var plainError = fmt.Sprintf("%T", errors.New("")) //nolint:err113 // for its type

// partly is for a call whose denial leaves out a part of a page.
func partly(err error) (isDenied bool, other error) {
	if denied(err) {
		return true, nil
	}
	return false, err
}

// accountAsked is the account that a page is about: that of the query, or else who is
// signed in's own.
func (p *page) accountAsked(f *form) chancery.AccountID {
	text := strings.TrimSpace(f.Get("account"))
	if text == "" {
		return p.account.ID
	}
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil || id <= 0 {
		f.Wrong("account", p.t("accounts.wrongId"))
		return p.account.ID
	}
	return chancery.AccountID(id)
}

// number is the number in the path of a page.
func (p *page) number() (int64, error) {
	n, err := strconv.ParseInt(p.r.PathValue("id"), 10, 64)
	if err != nil || n <= 0 {
		return 0, chancery.Errorf(chancery.NotFound, "there is no such page")
	}
	return n, nil
}

// pageOf is the part of a list that is in memory which the page shows.
func pageOf[T any](p *page, all []T) ([]T, paging) {
	strip := p.paging(int64(len(all)))
	first := min((p.pageNumber()-1)*pageSize, int64(len(all)))
	return all[first:min(first+pageSize, int64(len(all)))], strip
}

// attach has the browser keep an answer as a file.
func (p *page) attach(kind, name string) {
	p.w.Header().Set("Content-Type", kind)
	p.w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	p.w.WriteHeader(http.StatusOK)
}

func accountText(id chancery.AccountID) string { return strconv.FormatInt(int64(id), 10) }
