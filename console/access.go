package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"chancery"
	"chancery/admin"
	"chancery/internal/qrcode"
)

// The pages for who administers an account: its users, groups, policies and roles.

// accessRoutes are these pages, and those of notices.
func accessRoutes() []route {
	return []route{
		{method: get, path: "access/users", serve: listUsers, needs: "ram:ListUsers", menu: "access.title"},
		{method: post, path: "access/users", serve: createUser, needs: "ram:CreateUser"},
		{method: get, path: "access/users/{name}", serve: showUser, needs: "ram:GetUser"},
		{method: post, path: "access/users/{name}/password", serve: setPassword, needs: "ram:UpdateLoginProfile"},
		{method: post, path: "access/users/{name}/factor", serve: setFactor, needs: "ram:BindMFADevice"},
		{method: post, path: "access/users/{name}/keys", serve: createUserKey, needs: "ram:CreateAccessKey"},
		{method: post, path: "access/users/{name}/delete", serve: deleteUser, needs: "ram:DeleteUser"},
		{method: post, path: "access/keys/disable", serve: disableKey, needs: "ram:UpdateAccessKey"},
		{method: get, path: "access/groups", serve: listGroups, needs: "ram:ListGroups"},
		{method: post, path: "access/groups", serve: createGroup, needs: "ram:CreateGroup"},
		{method: post, path: "access/groups/{name}", serve: changeGroup, needs: "ram:ListGroups"},
		{method: get, path: "access/policies", serve: listPolicies, needs: "ram:ListPolicies"},
		{method: get, path: "access/policies/{name}", serve: showPolicy, needs: "ram:GetPolicy"},
		{method: post, path: "access/attach", serve: attachPolicy, needs: "ram:AttachPolicy"},
		{method: post, path: "access/detach", serve: detachPolicy, needs: "ram:DetachPolicy"},
		{method: get, path: "access/roles", serve: listRoles, needs: "ram:ListRoles"},
		{method: get, path: "access/roles/{name}", serve: showRole, needs: "ram:GetRole"},
		{method: get, path: "access/simulate", serve: simulate, needs: "ram:SimulatePolicy"},

		{method: get, path: "notices", serve: accountNotices, needs: "notice:ListNotices", menu: "notices.title"},
		{method: post, path: "notices", serve: addAccountTarget, needs: "notice:CreateTarget"},
		{method: post, path: "notices/{id}/test", serve: testAccountTarget, needs: "notice:TestTarget"},
		{method: post, path: "notices/{id}/remove", serve: removeAccountTarget, needs: "notice:DeleteTarget"},
	}
}

type usersData struct {
	Form    *form
	Users   []admin.User
	Paging  paging
	Keys    []admin.AccessKey // the account's own
	IsRoot  bool
	MayMake bool
}

func listUsers(p *page) error { return p.users(p.form()) }

func (p *page) users(f *form) error {
	data := usersData{Form: f, IsRoot: p.isRoot(), MayMake: p.mayDo("ram:CreateUser")}
	var all []admin.User
	if err := p.administer("user.list", admin.AccountName{}, &all); err != nil {
		return err
	}
	if q := strings.ToLower(strings.TrimSpace(p.r.URL.Query().Get("q"))); q != "" {
		all = slices.DeleteFunc(all, func(u admin.User) bool {
			return !strings.Contains(strings.ToLower(u.Name), q) && !strings.Contains(strings.ToLower(u.DisplayName), q)
		})
	}
	data.Users, data.Paging = pageOf(p, all)
	var keys []admin.AccessKey
	if _, err := partly(p.administer("accesskey.list", admin.AccountName{}, &keys)); err != nil {
		return err
	}
	data.Keys = slices.DeleteFunc(keys, func(k admin.AccessKey) bool { return k.User != "" })
	return p.render("users", data)
}

// isRoot tells whether the account itself is signed in.
func (p *page) isRoot() bool { return p.visitor.Principal.Kind == chancery.AccountPrincipal }

func createUser(p *page) error {
	f := p.form()
	in := admin.NewUser{Name: strings.TrimSpace(f.Get("name")), DisplayName: strings.TrimSpace(f.Get("displayName"))}
	var made admin.User
	if err := p.administer("user.create", in, &made); err != nil {
		if err := p.refuse(f, err, "display name"); err != nil {
			return err
		}
		if wrong := f.ErrorOf("display name"); wrong != "" {
			f.Wrong("displayName", wrong)
		} else {
			f.Wrong("name", f.Error)
			f.Error = ""
		}
		return p.users(f)
	}
	p.flash("access.userMade", made.Name)
	return p.redirect("access/users/%s", url.PathEscape(made.Name))
}

type userData struct {
	admin.UserLogin
	Form         *form
	Mine         bool           // it is who is signed in
	Policies     []admin.Policy // to choose from
	SecondFactor string         // the URL of a new second factor, shown this once
	Drawn        *qrcode.Code   // SecondFactor for a telephone's camera
	Has          bool           // a second factor

	MayPassword, MayFactor, MayKey, MayDisable, MayDelete, MayAttach, MayDetach bool
}

func showUser(p *page) error { return p.oneUser(p.form(), "") }

func (p *page) oneUser(f *form, factor string) error {
	data := userData{
		Form: f, SecondFactor: factor,
		MayPassword: p.mayDo("ram:UpdateLoginProfile"), MayFactor: p.mayDo("ram:BindMFADevice"), MayKey: p.mayDo("ram:CreateAccessKey"),
		MayDisable: p.mayDo("ram:UpdateAccessKey"), MayDelete: p.mayDo("ram:DeleteUser"),
		MayAttach: p.mayDo("ram:AttachPolicy"), MayDetach: p.mayDo("ram:DetachPolicy"),
	}
	if err := p.administer("user.show", admin.Named{Name: p.r.PathValue("name")}, &data.UserLogin); err != nil {
		return err
	}
	data.Has = data.UserLogin.SecondFactor
	if factor != "" {
		code, err := qrcode.New(factor)
		if err != nil {
			return err
		}
		data.Drawn = &code
	}
	data.Mine = !p.isRoot() && p.visitor.Principal.Name == data.Name
	if _, err := partly(p.administer("policy.list", admin.AccountName{}, &data.Policies)); err != nil {
		return err
	}
	data.Policies = slices.DeleteFunc(data.Policies, func(policy admin.Policy) bool {
		return slices.Contains(data.User.Policies, policy.Name)
	})
	return p.render("user", data)
}

// changeUser makes a call about the user of the path, and leads back to its page.
func (p *page) changeUser(call string, in any, field, done string) error {
	name := p.r.PathValue("name")
	f := p.form()
	var out json.RawMessage
	if err := p.administer(call, in, &out); err != nil {
		if err := p.refuse(f, err); err != nil {
			return err
		}
		if field != "" {
			f.Wrong(field, f.Error)
			f.Error = ""
		}
		return p.oneUser(f, "")
	}
	p.flash(done, name)
	return p.redirect("access/users/%s", url.PathEscape(name))
}

func setPassword(p *page) error {
	f := p.form()
	in := admin.Password{Name: p.r.PathValue("name"), Password: f.Get("password")}
	switch {
	case f.Get("remove") != "":
		in.Password = ""
		return p.changeUser("user.password", in, "password", "access.passwordGone")
	case in.Password == "":
		f.Wrong("password", p.t("access.passwordFirst"))
	case in.Password != f.Get("again"):
		f.Wrong("again", p.t("access.passwordDiffers"))
	default:
		return p.changeUser("user.password", in, "password", "access.passwordSet")
	}
	p.status = http.StatusUnprocessableEntity
	return p.oneUser(f, "")
}

func setFactor(p *page) error {
	in := admin.SecondFactor{Name: p.r.PathValue("name"), Remove: p.r.PostFormValue("remove") != ""}
	if in.Remove {
		return p.changeUser("user.totp", in, "", "access.factorGone")
	}
	var made admin.NewFactor
	if err := p.administer("user.totp", in, &made); err != nil {
		return err
	}
	return p.oneUser(p.form(), made.URL)
}

// createUserKey makes a key of a user; one of the account itself is made on the command
// line alone, since whoever has it may do everything.
func createUserKey(p *page) error {
	name := p.r.PathValue("name")
	var made admin.AccessKey
	if err := p.administer("accesskey.create", admin.NewAccessKey{User: name}, &made); err != nil {
		return err
	}
	return p.render("key", keyData{made, Root + "access/users/" + url.PathEscape(name), name})
}

// disableKey ends the use of a key of a user; the account's own, only for the account.
func disableKey(p *page) error {
	id, back := p.r.PostFormValue("key"), "access/users"
	var keys []admin.AccessKey
	if err := p.administer("accesskey.list", admin.AccountName{}, &keys); err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k admin.AccessKey) bool { return k.ID == id })
	switch {
	case i < 0:
		p.warn(p.t("access.noKey"))
		return p.redirect("%s", back)
	case keys[i].User == "" && !p.isRoot():
		p.warn(p.t("access.rootKey"))
		return p.redirect("%s", back)
	case keys[i].User != "":
		back += "/" + url.PathEscape(keys[i].User)
	}
	if err := p.administer("accesskey.disable", admin.AccessKeyName{ID: id}, &admin.Nothing{}); err != nil {
		return err
	}
	p.flash("access.keyDisabled", id)
	return p.redirect("%s", back)
}

func deleteUser(p *page) error {
	name := p.r.PathValue("name")
	if p.r.PostFormValue("confirm") != name {
		f := p.form()
		f.Wrong("confirm", p.t("access.typeName", name))
		p.status = http.StatusUnprocessableEntity
		return p.oneUser(f, "")
	}
	if err := p.administer("user.delete", admin.Named{Name: name}, &admin.DeletedUser{}); err != nil {
		return err
	}
	p.flash("access.userGone", name)
	return p.redirect("access/users")
}

// attachPolicy and detachPolicy are for users and groups; they lead back to whose
// page asked.
func attachPolicy(p *page) error { return p.attachment("policy.attach", "access.attached") }
func detachPolicy(p *page) error { return p.attachment("policy.detach", "access.detached") }

func (p *page) attachment(call, done string) error {
	in := admin.Attachment{Policy: p.r.PostFormValue("policy"), User: p.r.PostFormValue("user"), Group: p.r.PostFormValue("group"), Role: p.r.PostFormValue("role")}
	back := "access/policies"
	switch {
	case in.User != "":
		back = "access/users/" + url.PathEscape(in.User)
	case in.Group != "":
		back = "access/groups"
	case in.Role != "":
		back = "access/roles"
	}
	var out json.RawMessage
	return p.done(p.administer(call, in, &out), done, in.Policy, back)
}

// done ends a change in a message, of success or of what was wrong, and leads back.
func (p *page) done(err error, key, about, back string) error {
	if err != nil {
		f := p.form()
		if err := p.refuse(f, err); err != nil {
			return err
		}
		p.status = 0
		p.warn(f.Error)
	} else {
		p.flash(key, about)
	}
	return p.redirect("%s", back)
}

type groupsData struct {
	Form     *form
	Groups   []admin.Group
	Users    []admin.User
	Policies []admin.Policy

	MayMake, MayDelete, MayAdd, MayRemove, MayAttach, MayDetach bool
}

func listGroups(p *page) error { return p.groups(p.form()) }

func (p *page) groups(f *form) error {
	data := groupsData{
		Form: f, MayMake: p.mayDo("ram:CreateGroup"), MayDelete: p.mayDo("ram:DeleteGroup"), MayAdd: p.mayDo("ram:AddUserToGroup"),
		MayRemove: p.mayDo("ram:RemoveUserFromGroup"), MayAttach: p.mayDo("ram:AttachPolicy"), MayDetach: p.mayDo("ram:DetachPolicy"),
	}
	if err := p.administer("group.list", admin.AccountName{}, &data.Groups); err != nil {
		return err
	}
	if _, err := partly(p.administer("user.list", admin.AccountName{}, &data.Users)); err != nil {
		return err
	}
	if _, err := partly(p.administer("policy.list", admin.AccountName{}, &data.Policies)); err != nil {
		return err
	}
	return p.render("groups", data)
}

func createGroup(p *page) error {
	f := p.form()
	var made admin.Group
	if err := p.administer("group.create", admin.Named{Name: strings.TrimSpace(f.Get("name"))}, &made); err != nil {
		if err := p.refuse(f, err); err != nil {
			return err
		}
		f.Wrong("name", f.Error)
		f.Error = ""
		return p.groups(f)
	}
	p.flash("access.groupMade", made.Name)
	return p.redirect("access/groups")
}

func changeGroup(p *page) error {
	group, user := p.r.PathValue("name"), p.r.PostFormValue("user")
	var out json.RawMessage
	switch p.r.PostFormValue("do") {
	case "add":
		return p.done(p.administer("group.add-user", admin.Membership{Group: group, User: user}, &out), "access.memberAdded", user, "access/groups")
	case "remove":
		return p.done(p.administer("group.remove-user", admin.Membership{Group: group, User: user}, &out), "access.memberGone", user, "access/groups")
	case "delete":
		return p.done(p.administer("group.delete", admin.Named{Name: group}, &out), "access.groupGone", group, "access/groups")
	}
	return p.redirect("access/groups")
}

type policiesData struct {
	Policies []admin.Policy
	Shown    *admin.Policy
	Document string // of Shown, indented
}

func listPolicies(p *page) error {
	var data policiesData
	if err := p.administer("policy.list", admin.AccountName{}, &data.Policies); err != nil {
		return err
	}
	return p.render("policies", data)
}

func showPolicy(p *page) error {
	var data policiesData
	if err := p.administer("policy.show", admin.Named{Name: p.r.PathValue("name")}, &data.Shown); err != nil {
		return err
	}
	data.Document = indented(data.Shown.Document)
	return p.render("policies", data)
}

func indented(document string) string {
	var text bytes.Buffer
	if json.Indent(&text, []byte(document), "", "  ") != nil {
		return document
	}
	return text.String()
}

type rolesData struct {
	Roles []admin.Role
	Shown *admin.Role
	Trust string
}

func listRoles(p *page) error {
	var data rolesData
	if err := p.administer("role.list", admin.AccountName{}, &data.Roles); err != nil {
		return err
	}
	return p.render("roles", data)
}

func showRole(p *page) error {
	var data rolesData
	if err := p.administer("role.show", admin.Named{Name: p.r.PathValue("name")}, &data.Shown); err != nil {
		return err
	}
	data.Trust = indented(data.Shown.Trust)
	return p.render("roles", data)
}

type simulateData struct {
	Form    *form
	Verdict *admin.Verdict
}

// simulate asks what policies decide; its form is a GET, so that a question can be
// sent to somebody as a link.
func simulate(p *page) error {
	data := simulateData{Form: p.form()}
	f := data.Form
	if f.Get("who") == "" && f.Get("action") == "" {
		return p.render("simulate", data)
	}
	in := p.simulation(f)
	if !f.OK() {
		return p.render("simulate", data)
	}
	var verdict admin.Verdict
	err := p.administer("policy.simulate", in, &verdict)
	var public *chancery.Error
	switch {
	case err == nil:
		data.Verdict = &verdict
	case denied(err) || !errors.As(err, &public):
		return err
	case strings.Contains(public.Message, "action"):
		f.Wrong("action", p.meant(public.Code, public.Message))
	case strings.Contains(public.Message, "user") || strings.Contains(public.Message, "role"):
		f.Wrong("who", p.meant(public.Code, public.Message))
	default:
		f.Wrong("resource", p.meant(public.Code, public.Message))
	}
	return p.render("simulate", data)
}

// simulation reads the question.
func (p *page) simulation(f *form) admin.Simulation {
	in := admin.Simulation{Action: strings.TrimSpace(f.Get("action")), Secure: f.Get("secure") != ""}
	switch kind, name, _ := strings.Cut(strings.TrimSpace(f.Get("who")), "/"); {
	case kind == "user" && name != "":
		in.User = name
	case kind == "role" && name != "":
		in.Role = name
	default:
		f.Wrong("who", p.t("access.wrongWho"))
	}
	if resource := strings.TrimSpace(f.Get("resource")); resource != "" {
		in.Resources = []string{resource}
	}
	if text := strings.TrimSpace(f.Get("address")); text != "" {
		address, err := netip.ParseAddr(text)
		if err != nil {
			f.Wrong("address", p.t("access.wrongAddress"))
		}
		in.SourceIP = address
	}
	return in
}
