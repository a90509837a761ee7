package storetest

import (
	"testing"

	"chancery"
)

var policies = []promise{
	{"a policy comes back as it was added, and as it was changed", aPolicyChanges},
	{"a policy's name is taken once in an account", func(t *testing.T, s chancery.Store) {
		mine, theirs := newAccount(t, s), newAccount(t, s)
		addPolicy(t, s, mine, "p")
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.AddPolicy(policyOf(mine, "p")) })
		addPolicy(t, s, theirs, "p")
	}},
	{"policies are listed by name", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		b, a := addPolicy(t, s, account, "b"), addPolicy(t, s, account, "a")
		same(t, "the policies", answer(t, s, policiesOfAccount(account)), []chancery.PolicyDocument{a, b})
	}},
	{"a policy that is not there is not found", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		missing(t, s, policyNamed(account, "p"))
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.UpdatePolicy(policyOf(account, "p")) })
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.DeletePolicy(account, "p") })
	}},
	{"a policy is deleted once nobody has it", aPolicyInUseStays},
	{"a policy is had once, and given back at once", func(t *testing.T, s chancery.Store) {
		user := addUser(t, s, newAccount(t, s), "ada").Principal()
		addPolicy(t, s, user.AccountID, "p")
		for range 2 {
			attach(t, s, user, "p")
		}
		same(t, "the attachments", answer(t, s, attachments(user.AccountID)), []chancery.Attachment{attachment(user, "p")})
		for range 2 {
			write(t, s, func(tx chancery.Tx) error { return tx.DetachPolicy(attachment(user, "p")) })
		}
		same(t, "the attachments", answer(t, s, attachments(user.AccountID)), []chancery.Attachment{})
	}},
	{"who is not the account's can have no policy of it", func(t *testing.T, s chancery.Store) {
		mine, theirs := newAccount(t, s), newAccount(t, s)
		user, group, role := addUser(t, s, mine, "ada").Principal(), addGroup(t, s, mine, "ops").Principal(), principalOf(addRole(t, s, mine, "deployer"))
		for _, p := range []chancery.Principal{user, group, role, {Kind: chancery.AccountPrincipal}} {
			p.AccountID = theirs
			refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.AttachPolicy(attachment(p, "p")) })
			p.AccountID, p.ID = mine, 404
			refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.AttachPolicy(attachment(p, "p")) })
		}
		audit(t, s)
	}},
	{"a user has the policies of its own and of its groups, built-in ones without a document", policiesComeByGroupsToo},
	{"the same id as user, group and role is three principals", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		user, group, role := userOf(account, "a"), chancery.Group{AccountID: account, Name: "a"}, roleNamed(account, "a")
		group.ID, role.ID = user.ID, user.ID
		write(t, s, func(tx chancery.Tx) error { return tx.AddUser(user) })
		write(t, s, func(tx chancery.Tx) error { return tx.AddGroup(group) })
		write(t, s, func(tx chancery.Tx) error { return tx.AddRole(role) })
		for name, p := range map[string]chancery.Principal{"u": user.Principal(), "g": group.Principal(), "r": principalOf(role)} {
			attach(t, s, p, name)
			same(t, "the policies", answer(t, s, policiesOf(p)), []chancery.Attached{{Policy: name}})
		}
	}},
}

func policyOf(account chancery.AccountID, name string) chancery.PolicyDocument {
	return chancery.PolicyDocument{
		AccountID: account, Name: name, Description: "says 'no' & more\n", Document: `{"Version":"1","Statement":[]}`,
		CreatedAt: start, UpdatedAt: start,
	}
}

func addPolicy(t *testing.T, s chancery.Store, account chancery.AccountID, name string) chancery.PolicyDocument {
	t.Helper()
	policy := policyOf(account, name)
	write(t, s, func(tx chancery.Tx) error { return tx.AddPolicy(policy) })
	return policy
}

func policyNamed(account chancery.AccountID, name string) func(chancery.Tx) (chancery.PolicyDocument, error) {
	return func(tx chancery.Tx) (chancery.PolicyDocument, error) { return tx.Policy(account, name) }
}

func policiesOfAccount(account chancery.AccountID) func(chancery.Tx) ([]chancery.PolicyDocument, error) {
	return func(tx chancery.Tx) ([]chancery.PolicyDocument, error) { return tx.Policies(account) }
}

func policiesOf(p chancery.Principal) func(chancery.Tx) ([]chancery.Attached, error) {
	return func(tx chancery.Tx) ([]chancery.Attached, error) { return tx.PoliciesOf(p) }
}

func attachments(account chancery.AccountID) func(chancery.Tx) ([]chancery.Attachment, error) {
	return func(tx chancery.Tx) ([]chancery.Attachment, error) { return tx.Attachments(account) }
}

func attachment(p chancery.Principal, policy string) chancery.Attachment {
	return chancery.Attachment{AccountID: p.AccountID, Kind: p.Kind, ID: p.ID, Policy: policy}
}

func attach(t *testing.T, s chancery.Store, p chancery.Principal, policy string) {
	t.Helper()
	write(t, s, func(tx chancery.Tx) error { return tx.AttachPolicy(attachment(p, policy)) })
}

// principalOf is a role as what has policies.
func principalOf(r chancery.Role) chancery.Principal {
	return chancery.Principal{Kind: chancery.RolePrincipal, AccountID: r.AccountID, ID: r.ID, Name: r.Name}
}

func aPolicyChanges(t *testing.T, s chancery.Store) {
	policy := addPolicy(t, s, newAccount(t, s), "p")
	same(t, "the policy", answer(t, s, policyNamed(policy.AccountID, "p")), policy)
	policy.Description, policy.Document, policy.UpdatedAt = "", "{}", at(5)
	changed := policy
	changed.CreatedAt = at(9) // this stays
	write(t, s, func(tx chancery.Tx) error { return tx.UpdatePolicy(changed) })
	same(t, "the changed policy", answer(t, s, policyNamed(policy.AccountID, "p")), policy)
}

func aPolicyInUseStays(t *testing.T, s chancery.Store) {
	mine, theirs := newAccount(t, s), newAccount(t, s)
	addPolicy(t, s, mine, "p")
	addPolicy(t, s, theirs, "p")
	for _, p := range []chancery.Principal{
		addUser(t, s, mine, "ada").Principal(), addGroup(t, s, mine, "ops").Principal(), principalOf(addRole(t, s, mine, "deployer")),
	} {
		attach(t, s, p, "p")
		refused(t, s, chancery.ErrConflict, func(tx chancery.Tx) error { return tx.DeletePolicy(mine, "p") })
		write(t, s, func(tx chancery.Tx) error { return tx.DetachPolicy(attachment(p, "p")) })
	}
	attach(t, s, addUser(t, s, theirs, "eve").Principal(), "p")
	write(t, s, func(tx chancery.Tx) error { return tx.DeletePolicy(mine, "p") })
	missing(t, s, policyNamed(mine, "p"))
	answer(t, s, policyNamed(theirs, "p"))
}

func policiesComeByGroupsToo(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	user, other := addUser(t, s, account, "ada"), addUser(t, s, account, "bob")
	ops, dev := addGroup(t, s, account, "ops"), addGroup(t, s, account, "dev")
	for _, name := range []string{"own", "of-ops", "of-dev", "of-nobody", "of-bob"} {
		addPolicy(t, s, account, name)
	}
	for _, group := range []chancery.Group{ops, dev} {
		write(t, s, func(tx chancery.Tx) error { return tx.AddMember(account, group.ID, user.ID) })
	}
	for name, p := range map[string]chancery.Principal{
		"own": user.Principal(), "BuiltIn": user.Principal(), "of-ops": ops.Principal(), "of-dev": dev.Principal(), "of-bob": other.Principal(),
	} {
		attach(t, s, p, name)
	}
	document := policyOf(account, "").Document
	same(t, "the user's policies", answer(t, s, policiesOf(user.Principal())), []chancery.Attached{
		{Policy: "BuiltIn"}, {Policy: "own", Document: document}, {Policy: "of-dev", Document: document}, {Policy: "of-ops", Document: document},
	})
	same(t, "the group's policies", answer(t, s, policiesOf(ops.Principal())), []chancery.Attached{{Policy: "of-ops", Document: document}})
	write(t, s, func(tx chancery.Tx) error { return tx.RemoveMember(account, ops.ID, user.ID) })
	same(t, "the user's policies", answer(t, s, policiesOf(user.Principal())), []chancery.Attached{
		{Policy: "BuiltIn"}, {Policy: "own", Document: document}, {Policy: "of-dev", Document: document},
	})
}
