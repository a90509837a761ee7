package admin

import (
	"context"
	"fmt"
	"strings"
	"time"

	"chancery"
)

// record writes what the operator does to an account into its audit log. It is
// called in the transaction that does it; resource names what it was done to,
// never a secret.
func (a *Admin) record(tx chancery.Tx, account chancery.AccountID, action, resource string) error {
	if a.actor != nil {
		a.actor.recorded = true
	}
	return tx.AppendAudit(a.line(account, operatorActions+action, resource))
}

// operatorActions begins the actions of the operator's lines.
const operatorActions = "chancery:"

func orderName(id chancery.OrderID) string { return fmt.Sprintf("order/%d", id) }

// AuditLine is a line of the audit log as the command line shows it.
type AuditLine struct {
	Seq         int64              `json:"seq"`
	Time        time.Time          `json:"time"`
	AccountID   chancery.AccountID `json:"accountId"`
	Principal   string             `json:"principal"`
	AccessKeyID string             `json:"accessKeyId,omitempty"`
	Address     string             `json:"address,omitempty"`
	Action      string             `json:"action"`
	Resource    string             `json:"resource,omitempty"`
	Code        chancery.Code      `json:"code,omitempty"` // absent: success
	KeyRead     bool               `json:"keyRead"`
	RequestID   string             `json:"requestId,omitempty"`
}

// AuditQuery asks for lines of an account's audit log; fields that are left out
// pick all.
type AuditQuery struct {
	AccountID chancery.AccountID `json:"accountId"`
	Since     time.Time          `json:"since,omitzero"`
	Until     time.Time          `json:"until,omitzero"` // not included
	// Principal is a full name, "operator", or the end of a name in the account:
	// "root", "user/ada", "assumed-role/deployer/nightly".
	Principal   string `json:"principal,omitempty"`
	AccessKeyID string `json:"accessKeyId,omitempty"`
	// Action without a prefix is one of CAS.
	Action    string `json:"action,omitempty"`
	Resource  string `json:"resource,omitempty"`
	RequestID string `json:"requestId,omitempty"`
	KeyReads  bool   `json:"keyReads,omitempty"`
	Refused   bool   `json:"refused,omitempty"`
	// After is the number of the last line that is known already.
	After int64 `json:"after,omitempty"`
	// Before, if not 0, asks for lines with lower numbers, the newest first.
	Before int64 `json:"before,omitempty"`
	// Limit is how many lines to give, up to AuditBatch; 0: as many as that.
	Limit int64 `json:"limit,omitempty"`
	// Within, if not 0, has the query look through no more lines than that, from After on
	// or back from Before. What it picks elsewhere is not given; Part says which they are.
	Within int64 `json:"within,omitempty"`
}

// AuditBatch is how many lines one call gives at most.
const AuditBatch = 1000

// AuditLines are some lines, oldest first unless asked otherwise. More: there may be others after the last.
type AuditLines struct {
	Lines []AuditLine `json:"lines"`
	More  bool        `json:"more"`
	// Part is there for a query Within some lines, unless the log has none.
	Part *AuditPart `json:"part,omitempty"`
}

// ReadAudit gives the first lines that a query picks.
func (a *Admin) ReadAudit(ctx context.Context, in AuditQuery) (page AuditLines, err error) {
	filter := chancery.AuditFilter{
		Since: in.Since, Until: in.Until, AccessKeyID: in.AccessKeyID, Resource: in.Resource, RequestID: in.RequestID,
		KeyReads: in.KeyReads, Refused: in.Refused, After: in.After, Before: in.Before, Most: AuditBatch,
	}
	if in.Limit > 0 {
		filter.Most = min(in.Limit, AuditBatch)
	}
	if in.Action != "" {
		if filter.Action, err = auditedAction(in.Action); err != nil {
			return page, err
		}
	}
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		if filter.Principal, err = auditedPrincipal(account, in.Principal); err != nil {
			return err
		}
		page, err = readAudit(tx, account, filter, in.Within)
		return err
	})
	return page, err
}

func readAudit(tx chancery.Tx, account chancery.AccountID, filter chancery.AuditFilter, within int64) (page AuditLines, err error) {
	if within > 0 {
		if page.Part, err = partOf(tx, account, &filter, within); err != nil {
			return page, err
		}
	}
	lines, err := tx.AuditLines(account, filter)
	if err != nil {
		return page, err
	}
	page.Lines, page.More = make([]AuditLine, len(lines)), int64(len(lines)) == filter.Most
	for i, l := range lines {
		page.Lines[i] = auditLineOf(l)
	}
	if page.Part == nil {
		return page, nil
	}
	if page.More {
		page.Part.shorten(lines, filter.Before != 0)
	}
	oldest, err := tx.AuditLines(account, chancery.AuditFilter{After: page.Part.From - 1, Most: 1})
	if len(oldest) > 0 {
		page.Part.Since = oldest[0].At.UTC()
	}
	return page, err
}

func auditLineOf(l chancery.AuditLine) AuditLine {
	return AuditLine{
		Seq: l.Seq, Time: l.At.UTC(), AccountID: l.AccountID, Principal: l.Principal, AccessKeyID: l.AccessKeyID, Address: l.Address,
		Action: l.Action, Resource: l.Resource, Code: l.Code, KeyRead: l.KeyRead, RequestID: l.RequestID,
	}
}

// auditedAction spells an action as lines have it, which are compared whole.
func auditedAction(text string) (string, error) {
	if strings.HasPrefix(text, operatorActions) || strings.HasPrefix(text, ramActions) || strings.HasPrefix(text, noticeActions) {
		return text, nil
	}
	action, err := findAction(text)
	return action.name, err
}

func auditedPrincipal(account chancery.AccountID, text string) (string, error) {
	root := chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: account}.ARN()
	switch {
	case text == "" || text == chancery.Operator || strings.HasPrefix(text, "acs:"):
		return text, nil
	case text == "root" || strings.Contains(text, "/"):
		return strings.TrimSuffix(root, "root") + text, nil
	}
	return "", fmt.Errorf("%q names no principal; write user/NAME, assumed-role/ROLE/SESSION, root or operator", text)
}
