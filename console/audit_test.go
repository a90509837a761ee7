package console_test

import (
	"strings"
	"testing"

	"chancery"
	"chancery/console/consoletest"
	"chancery/internal/testenv"
)

// A page of the audit log looks through some lines, says which, and leads further; the
// export sees them all.
func TestAuditLooksBackInParts(t *testing.T) {
	env := consoletest.New(t, testenv.WithoutWorker())
	const lines = 21_000
	for begin := 0; begin < lines; begin += 1000 {
		env.Write(func(tx chancery.Tx) error {
			for i := range 1000 {
				line := chancery.AuditLine{AccountID: env.Account, At: env.Clock.Now(), Principal: chancery.Operator, Action: "chancery:Test"}
				if begin+i == 10 {
					line.Resource = "order/77"
				}
				if err := tx.AppendAudit(line); err != nil {
					return err
				}
			}
			return nil
		})
	}
	visitor := env.Visit().SignIn(env.Tenant)
	const at = "/console/operator/audit"
	first := visitor.Get(at + "?resource=order%2F77")
	older := linkTo(first.Body, "next")
	if strings.Contains(first.Body, "<td") || !strings.Contains(first.Body, "Looked through lines 1") || !strings.Contains(first.Body, "Look further back") || older == "" {
		t.Fatalf("the first page does not say how far it looked:\n%s", first.Body)
	}
	second := visitor.Get(at + older)
	if !strings.Contains(second.Body, "order/77</small>") || linkTo(second.Body, "next") != "" || !strings.Contains(second.Body, "Looked through lines 1 to ") {
		t.Errorf("further back the line is not found:\n%s", second.Body)
	}
	back := visitor.Get(at + linkTo(second.Body, "prev"))
	if !strings.Contains(back.Body, "None of these lines is like that.") || linkTo(back.Body, "next") == "" {
		t.Errorf("there is no way back to the newest:\n%s", back.Body)
	}
	if export := visitor.Get(at + "/export?format=csv&resource=order%2F77"); !strings.Contains(export.Body, "order/77") {
		t.Errorf("the export lacks it: %s", export.Body)
	}
	if page := visitor.Get(at + "?resource=order%2F77&until=2000-01-01"); !strings.Contains(page.Body, "Looked through lines 1 to 1,") {
		t.Errorf("before there was anything, it looks elsewhere:\n%s", page.Body)
	}
	if page := visitor.Get(at); strings.Contains(page.Body, "Looked through") || linkTo(page.Body, "next") == "" {
		t.Error("the page without a filter speaks of looking")
	}
}

// linkTo is where the link to the page before or after leads.
func linkTo(body, rel string) string {
	before, _, found := strings.Cut(body, `" rel="`+rel+`"`)
	if !found {
		return ""
	}
	return strings.ReplaceAll(before[strings.LastIndex(before, `"`)+1:], "&amp;", "&")
}
