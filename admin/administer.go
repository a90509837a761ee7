package admin

import (
	"context"
	"encoding/json"
	"fmt"

	"chancery"
)

// administration are the calls about who may do what in one account, which the
// principals of that account may make for it: each with the action that policies are
// asked about, as the cloud's own access control names it.
var administration = map[string]string{
	"user.list":         "ListUsers",
	"user.show":         "GetUser",
	"user.create":       "CreateUser",
	"user.delete":       "DeleteUser",
	"user.password":     "UpdateLoginProfile",
	"user.totp":         "BindMFADevice",
	"accesskey.list":    "ListAccessKeys",
	"accesskey.create":  "CreateAccessKey",
	"accesskey.disable": "UpdateAccessKey",
	"group.list":        "ListGroups",
	"group.create":      "CreateGroup",
	"group.delete":      "DeleteGroup",
	"group.add-user":    "AddUserToGroup",
	"group.remove-user": "RemoveUserFromGroup",
	"policy.list":       "ListPolicies",
	"policy.show":       "GetPolicy",
	"policy.attach":     "AttachPolicy",
	"policy.detach":     "DetachPolicy",
	"policy.simulate":   "SimulatePolicy",
	"role.list":         "ListRoles",
	"role.show":         "GetRole",
}

// ramActions begins the actions of administration.
const ramActions = "ram:"

// AdministrationAction is what policies and the audit log call a call that an account's
// own principals make: of user.list it is ram:ListUsers. ok: there is such a call.
func AdministrationAction(call string) (action string, ok bool) {
	name, ok := administration[call]
	return ramActions + name, ok
}

// Administer is Operate for the calls about one account's users, groups, policies and
// roles, made by a principal of that account: whatever account in names, the call is
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
