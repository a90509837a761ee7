package admin

import (
	"context"
	"fmt"

	"chancery"
)

// Actor is who makes an operator's call from the console, for the audit log.
type Actor struct {
	Principal   chancery.Principal
	AccessKeyID string
	Address     string
	RequestID   string

	recorded bool // a line was written by the call itself
}

// Action is how policies and the audit log name a call of the table: of review.list it
// is chancery:review.list.
func Action(call string) string { return operatorActions + call }

// Operate makes a call of the table for an actor who may make it; whoever calls has
// asked the policies, and gives what they refused as denied. Every call leaves a line
// in the audit log: what changes something, in the log of the account it is about, and
// all else in that of the actor's account.
func (a *Admin) Operate(ctx context.Context, actor Actor, denied error, name string, in, out any) error {
	return a.act(ctx, actor, denied, Action(name), name, in, out)
}

// act makes a call for an actor; action is what a line of the audit log says where the
// call leaves none of its own.
func (a *Admin) act(ctx context.Context, actor Actor, denied error, action, name string, in, out any) error {
	acting := *a
	acting.actor = &actor
	err := denied
	if err == nil {
		err = acting.Call(ctx, name, in, out)
	}
	if err == nil && actor.recorded {
		return nil
	}
	line := acting.line(actor.Principal.AccountID, action, "")
	if err != nil {
		line.Code = codeOf(err)
	}
	if auditErr := a.Store.Write(context.WithoutCancel(ctx), func(tx chancery.Tx) error { return tx.AppendAudit(line) }); auditErr != nil {
		return fmt.Errorf("writing the audit log: %w", auditErr)
	}
	return err
}

// codeOf is the code of an error, InvalidParameter for what the operator reads as text.
func codeOf(err error) chancery.Code {
	if code := chancery.CodeOf(err); code != chancery.InternalError {
		return code
	}
	return chancery.InvalidParameter
}

// line is one of the audit log: of the operator on the socket, or of who acts.
func (a *Admin) line(account chancery.AccountID, action, resource string) chancery.AuditLine {
	line := chancery.AuditLine{AccountID: account, At: a.Clock.Now(), Principal: chancery.Operator, Action: action, Resource: resource}
	if a.actor != nil {
		line.Principal, line.AccessKeyID = a.actor.Principal.ARN(), a.actor.AccessKeyID
		line.Address, line.RequestID = a.actor.Address, a.actor.RequestID
	}
	return line
}

// Known tells whether the table has a call.
func Known(call string) bool {
	_, known := calls()[call]
	return known
}
