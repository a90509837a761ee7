package admin

import (
	"context"
	"encoding/json"
	"fmt"

	"chancery"
)

// administration are the calls about who may do what in one account and what it is told,
// which the principals of that account may make for it: each with the action that
// policies are asked about, where the cloud's own access control has one, by its name.
var administration = map[string]string{
	"user.list":         ramActions + "ListUsers",
	"user.show":         ramActions + "GetUser",
	"user.create":       ramActions + "CreateUser",
	"user.delete":       ramActions + "DeleteUser",
	"user.password":     ramActions + "UpdateLoginProfile",
	"user.totp":         ramActions + "BindMFADevice",
	"accesskey.list":    ramActions + "ListAccessKeys",
	"accesskey.create":  ramActions + "CreateAccessKey",
	"accesskey.disable": ramActions + "UpdateAccessKey",
	"group.list":        ramActions + "ListGroups",
	"group.create":      ramActions + "CreateGroup",
	"group.delete":      ramActions + "DeleteGroup",
	"group.add-user":    ramActions + "AddUserToGroup",
	"group.remove-user": ramActions + "RemoveUserFromGroup",
	"policy.list":       ramActions + "ListPolicies",
	"policy.show":       ramActions + "GetPolicy",
	"policy.attach":     ramActions + "AttachPolicy",
	"policy.detach":     ramActions + "DetachPolicy",
	"policy.simulate":   ramActions + "SimulatePolicy",
	"role.list":         ramActions + "ListRoles",
	"role.show":         ramActions + "GetRole",

	"notice.list":          noticeActions + "ListNotices",
	"notice.target.list":   noticeActions + "ListTargets",
	"notice.target.add":    noticeActions + "CreateTarget",
	"notice.target.remove": noticeActions + "DeleteTarget",
	"notice.target.test":   noticeActions + "TestTarget",
}

// What the actions of administration begin with.
const (
	ramActions    = "ram:"
	noticeActions = "notice:"
)

// AdministrationAction is what policies and the audit log call a call that an account's
// own principals make: of user.list it is ram:ListUsers. ok: there is such a call.
func AdministrationAction(call string) (action string, ok bool) {
	action, ok = administration[call]
	return action, ok
}

// Administer is Operate for the calls about one account's users, groups, policies, roles
// and notices, made by a principal of that account: whatever account in names, the call is
// about the actor's.
func (a *Admin) Administer(ctx context.Context, actor Actor, denied error, name string, in, out any) error {
	action, known := AdministrationAction(name)
	if !known {
		return fmt.Errorf("%s is no call for an account's own principals", name)
	}
	own, err := confined(in, actor.Principal.AccountID)
	if err != nil {
		return err
	}
	return a.act(ctx, actor, denied, action, name, own, out)
}

// confined is an input for one account alone.
func confined(in any, account chancery.AccountID) (map[string]json.RawMessage, error) {
	text, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("writing the input: %w", err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("reading the input: %w", err)
	}
	delete(fields, "operator")
	fields["accountId"] = json.RawMessage(fmt.Sprint(int64(account)))
	return fields, nil
}
