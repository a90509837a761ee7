package storetest

import (
	"testing"
	"time"

	"chancery"
)

var principals = []promise{
	{"a user comes back as it was added, by name and by id", func(t *testing.T, s chancery.Store) {
		user := userOf(newAccount(t, s), "ada@example.test")
		user.DisplayName = "Größe & 会社 'x'\n"
		write(t, s, func(tx chancery.Tx) error { return tx.AddUser(user) })
		same(t, "the user by name", answer(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.User(user.AccountID, user.Name) }), user)
		same(t, "the user by id", answer(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.UserOfID(user.AccountID, user.ID) }), user)
	}},
	{"a role comes back as it was added, and as it was changed", aRoleChanges},
	{"a name is taken once in an account, among principals of one kind", aPrincipalsNameIsTakenOnce},
	{"users, groups and roles are listed by name", principalsAreListedByName},
	{"who is not there is not found", whoIsNotThereIsNotFound},
	{"a user is in a group once, and out of it at once", aUserIsInAGroupOnce},
	{"a group has users of its account alone", aGroupHasUsersOfItsAccount},
	{"an access key keeps whose it is", func(t *testing.T, s chancery.Store) {
		user := addUser(t, s, newAccount(t, s), "ada")
		key := keyOfUser(t, s, user)
		same(t, "the key", answer(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(key.ID) }), key)
		key.Secret = chancery.Secret{}
		same(t, "the list", answer(t, s, keysOf(user.AccountID)), []chancery.AccessKey{key})
	}},
	{"a deleted user takes memberships, policies and access keys along, and leaves those of others", aDeletedUser},
	{"a deleted group takes memberships and policies along", aDeletedGroup},
	{"a deleted role takes policies and sessions along", aDeletedRole},
}

func userOf(account chancery.AccountID, name string) chancery.User {
	return chancery.User{ID: chancery.NewID(), AccountID: account, Name: name, CreatedAt: start}
}

func addUser(t *testing.T, s chancery.Store, account chancery.AccountID, name string) chancery.User {
	t.Helper()
	user := userOf(account, name)
	write(t, s, func(tx chancery.Tx) error { return tx.AddUser(user) })
	return user
}

func addGroup(t *testing.T, s chancery.Store, account chancery.AccountID, name string) chancery.Group {
	t.Helper()
	group := chancery.Group{ID: chancery.NewID(), AccountID: account, Name: name, CreatedAt: start}
	write(t, s, func(tx chancery.Tx) error { return tx.AddGroup(group) })
	return group
}

func roleNamed(account chancery.AccountID, name string) chancery.Role {
	return chancery.Role{
		ID: chancery.NewID(), AccountID: account, Name: name, Description: "it deploys", Trust: `{"Version":"1"}`,
		MaxSession: 2 * time.Hour, CreatedAt: start,
	}
}

func addRole(t *testing.T, s chancery.Store, account chancery.AccountID, name string) chancery.Role {
	t.Helper()
	role := roleNamed(account, name)
	write(t, s, func(tx chancery.Tx) error { return tx.AddRole(role) })
	return role
}

func keyOfUser(t *testing.T, s chancery.Store, user chancery.User) chancery.AccessKey {
	t.Helper()
	key := chancery.NewAccessKey(user.AccountID, start)
	key.UserID = user.ID
	write(t, s, func(tx chancery.Tx) error { return tx.AddAccessKey(key) })
	return key
}

func members(group chancery.Group) func(chancery.Tx) ([]chancery.User, error) {
	return func(tx chancery.Tx) ([]chancery.User, error) { return tx.Members(group.AccountID, group.ID) }
}

func aRoleChanges(t *testing.T, s chancery.Store) {
	role := addRole(t, s, newAccount(t, s), "deployer")
	byName := func(tx chancery.Tx) (chancery.Role, error) { return tx.Role(role.AccountID, role.Name) }
	byID := func(tx chancery.Tx) (chancery.Role, error) { return tx.RoleOfID(role.AccountID, role.ID) }
	same(t, "the role by name", answer(t, s, byName), role)
	same(t, "the role by id", answer(t, s, byID), role)
	role.Description, role.Trust, role.MaxSession = "", "{}", chancery.MinSession
	changed := role
	changed.Name, changed.CreatedAt = "another", at(9) // these stay
	write(t, s, func(tx chancery.Tx) error { return tx.UpdateRole(changed) })
	same(t, "the changed role", answer(t, s, byID), role)
	changed.ID = 404
	refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.UpdateRole(changed) })
}

func aPrincipalsNameIsTakenOnce(t *testing.T, s chancery.Store) {
	mine, theirs := newAccount(t, s), newAccount(t, s)
	const name = "ada"
	user, group, role := addUser(t, s, mine, name), addGroup(t, s, mine, name), addRole(t, s, mine, name)
	for what, add := range map[string]func(chancery.Tx) error{
		"a user of the name":  func(tx chancery.Tx) error { return tx.AddUser(userOf(mine, name)) },
		"a group of the name": func(tx chancery.Tx) error { return tx.AddGroup(chancery.Group{ID: 1, AccountID: mine, Name: name}) },
		"a role of the name":  func(tx chancery.Tx) error { return tx.AddRole(roleNamed(mine, name)) },
		"a user of the id": func(tx chancery.Tx) error {
			return tx.AddUser(chancery.User{ID: user.ID, AccountID: theirs, Name: "b"})
		},
		"a group of the id": func(tx chancery.Tx) error {
			return tx.AddGroup(chancery.Group{ID: group.ID, AccountID: theirs, Name: "b"})
		},
		"a role of the id": func(tx chancery.Tx) error {
			return tx.AddRole(chancery.Role{ID: role.ID, AccountID: theirs, Name: "b"})
		},
	} {
		t.Run(what, func(t *testing.T) { refused(t, s, chancery.ErrConflict, add) })
	}
	addUser(t, s, theirs, name)
	addGroup(t, s, theirs, name)
	addRole(t, s, theirs, name)
}

func principalsAreListedByName(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	bob, ada := addUser(t, s, account, "bob"), addUser(t, s, account, "ada")
	ops, dev := addGroup(t, s, account, "ops"), addGroup(t, s, account, "dev")
	reader, deployer := addRole(t, s, account, "reader"), addRole(t, s, account, "deployer")
	same(t, "the users", answer(t, s, func(tx chancery.Tx) ([]chancery.User, error) { return tx.Users(account) }), []chancery.User{ada, bob})
	same(t, "the groups", answer(t, s, func(tx chancery.Tx) ([]chancery.Group, error) { return tx.Groups(account) }), []chancery.Group{dev, ops})
	same(t, "the roles", answer(t, s, func(tx chancery.Tx) ([]chancery.Role, error) { return tx.Roles(account) }), []chancery.Role{deployer, reader})
	for _, user := range []chancery.User{bob, ada} {
		write(t, s, func(tx chancery.Tx) error { return tx.AddMember(account, ops.ID, user.ID) })
	}
	same(t, "the members", answer(t, s, members(ops)), []chancery.User{ada, bob})
}

func whoIsNotThereIsNotFound(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	missing(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.User(account, "nobody") })
	missing(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.UserOfID(account, 404) })
	missing(t, s, func(tx chancery.Tx) (chancery.Group, error) { return tx.Group(account, "nobody") })
	missing(t, s, func(tx chancery.Tx) (chancery.Role, error) { return tx.Role(account, "nobody") })
	missing(t, s, func(tx chancery.Tx) (chancery.Role, error) { return tx.RoleOfID(account, 404) })
	for _, remove := range []func(chancery.Tx) error{
		func(tx chancery.Tx) error { return tx.DeleteUser(account, 404) },
		func(tx chancery.Tx) error { return tx.DeleteGroup(account, 404) },
		func(tx chancery.Tx) error { return tx.DeleteRole(account, 404) },
		func(tx chancery.Tx) error { return tx.AddMember(account, 404, 404) },
	} {
		refused(t, s, chancery.ErrNotFound, remove)
	}
}

func aUserIsInAGroupOnce(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	user, group := addUser(t, s, account, "ada"), addGroup(t, s, account, "ops")
	for range 2 {
		write(t, s, func(tx chancery.Tx) error { return tx.AddMember(account, group.ID, user.ID) })
	}
	same(t, "the members", answer(t, s, members(group)), []chancery.User{user})
	for range 2 {
		write(t, s, func(tx chancery.Tx) error { return tx.RemoveMember(account, group.ID, user.ID) })
	}
	same(t, "the members", answer(t, s, members(group)), []chancery.User{})
}

func aGroupHasUsersOfItsAccount(t *testing.T, s chancery.Store) {
	mine, theirs := newAccount(t, s), newAccount(t, s)
	user, group := addUser(t, s, mine, "ada"), addGroup(t, s, mine, "ops")
	stranger, strange := addUser(t, s, theirs, "eve"), addGroup(t, s, theirs, "ops")
	for _, pair := range []struct {
		account     chancery.AccountID
		group, user int64
	}{{mine, group.ID, stranger.ID}, {mine, strange.ID, user.ID}, {theirs, group.ID, stranger.ID}, {theirs, strange.ID, user.ID}, {theirs, group.ID, user.ID}} {
		refused(t, s, chancery.ErrNotFound, func(tx chancery.Tx) error { return tx.AddMember(pair.account, pair.group, pair.user) })
	}
	audit(t, s)
}

func aDeletedUser(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	ada, bob, group := addUser(t, s, account, "ada"), addUser(t, s, account, "bob"), addGroup(t, s, account, "ops")
	var keys []chancery.AccessKey
	for _, user := range []chancery.User{ada, bob} {
		keys = append(keys, keyOfUser(t, s, user))
		write(t, s, func(tx chancery.Tx) error { return tx.AddMember(account, group.ID, user.ID) })
		attach(t, s, user.Principal(), "p")
	}
	write(t, s, func(tx chancery.Tx) error { return tx.DeleteUser(account, ada.ID) })
	missing(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.UserOfID(account, ada.ID) })
	missing(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(keys[0].ID) })
	same(t, "the members", answer(t, s, members(group)), []chancery.User{bob})
	same(t, "the attachments", answer(t, s, attachments(account)), []chancery.Attachment{attachment(bob.Principal(), "p")})
	same(t, "the other's key", answer(t, s, func(tx chancery.Tx) (chancery.AccessKey, error) { return tx.AccessKey(keys[1].ID) }), keys[1])
	addUser(t, s, account, "ada") // the name is free
	audit(t, s)
}

func aDeletedGroup(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	user, group := addUser(t, s, account, "ada"), addGroup(t, s, account, "ops")
	write(t, s, func(tx chancery.Tx) error { return tx.AddMember(account, group.ID, user.ID) })
	attach(t, s, group.Principal(), "p")
	write(t, s, func(tx chancery.Tx) error { return tx.DeleteGroup(account, group.ID) })
	same(t, "the attachments", answer(t, s, attachments(account)), []chancery.Attachment{})
	same(t, "what the user may do", answer(t, s, policiesOf(user.Principal())), []chancery.Attached{})
	answer(t, s, func(tx chancery.Tx) (chancery.User, error) { return tx.UserOfID(account, user.ID) })
	audit(t, s)
}

func aDeletedRole(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	role, other := addRole(t, s, account, "deployer"), addRole(t, s, account, "reader")
	gone, kept := addSession(t, s, role), addSession(t, s, other)
	attach(t, s, principalOf(role), "p")
	write(t, s, func(tx chancery.Tx) error { return tx.DeleteRole(account, role.ID) })
	missing(t, s, func(tx chancery.Tx) (chancery.Session, error) { return tx.Session(gone.AccessKeyID) })
	answer(t, s, func(tx chancery.Tx) (chancery.Session, error) { return tx.Session(kept.AccessKeyID) })
	same(t, "the attachments", answer(t, s, attachments(account)), []chancery.Attachment{})
	audit(t, s)
}
