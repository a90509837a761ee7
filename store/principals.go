package store

import (
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddUser(u chancery.User) error {
	rows, err := t.sql.AddUser(t.ctx, query.AddUserParams{
		ID: u.ID, AccountID: int64(u.AccountID), Name: u.Name, DisplayName: u.DisplayName, CreatedAt: toMillis(u.CreatedAt),
	})
	return changed("adding a user", rows, err, chancery.ErrConflict)
}

func (t *tx) User(account chancery.AccountID, name string) (chancery.User, error) {
	row, err := t.sql.UserNamed(t.ctx, query.UserNamedParams{AccountID: int64(account), Name: name})
	return userOf(row), found("reading a user", err)
}

func (t *tx) UserOfID(account chancery.AccountID, id int64) (chancery.User, error) {
	row, err := t.sql.UserOfID(t.ctx, query.UserOfIDParams{AccountID: int64(account), ID: id})
	return userOf(row), found("reading a user", err)
}

func (t *tx) Users(account chancery.AccountID) ([]chancery.User, error) {
	rows, err := t.sql.Users(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing users: %w", err)
	}
	return each(rows, userOf), nil
}

func userOf(row query.User) chancery.User {
	return chancery.User{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Name: row.Name, DisplayName: row.DisplayName, CreatedAt: fromMillis(row.CreatedAt),
	}
}

func (t *tx) DeleteUser(account chancery.AccountID, id int64) error {
	err := errors.Join(
		t.sql.DeleteUserMemberships(t.ctx, query.DeleteUserMembershipsParams{AccountID: int64(account), UserID: id}),
		t.sql.DeleteUserKeys(t.ctx, query.DeleteUserKeysParams{AccountID: int64(account), UserID: id}),
		t.DeleteConsoleLogin(account, id),
		t.DeleteConsoleSessions(account, id),
		t.detachAll(account, chancery.UserPrincipal, id),
	)
	if err != nil {
		return fmt.Errorf("removing what hangs on a user: %w", err)
	}
	rows, err := t.sql.DeleteUser(t.ctx, query.DeleteUserParams{AccountID: int64(account), ID: id})
	return changed("deleting a user", rows, err, chancery.ErrNotFound)
}

func (t *tx) AddGroup(g chancery.Group) error {
	rows, err := t.sql.AddGroup(t.ctx, query.AddGroupParams{
		ID: g.ID, AccountID: int64(g.AccountID), Name: g.Name, CreatedAt: toMillis(g.CreatedAt),
	})
	return changed("adding a group", rows, err, chancery.ErrConflict)
}

func (t *tx) Group(account chancery.AccountID, name string) (chancery.Group, error) {
	row, err := t.sql.GroupNamed(t.ctx, query.GroupNamedParams{AccountID: int64(account), Name: name})
	return groupOf(row), found("reading a group", err)
}

func (t *tx) Groups(account chancery.AccountID) ([]chancery.Group, error) {
	rows, err := t.sql.Groups(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing groups: %w", err)
	}
	return each(rows, groupOf), nil
}

func groupOf(row query.UserGroup) chancery.Group {
	return chancery.Group{ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Name: row.Name, CreatedAt: fromMillis(row.CreatedAt)}
}

func (t *tx) DeleteGroup(account chancery.AccountID, id int64) error {
	err := errors.Join(
		t.sql.DeleteGroupMembers(t.ctx, query.DeleteGroupMembersParams{AccountID: int64(account), GroupID: id}),
		t.detachAll(account, chancery.GroupPrincipal, id),
	)
	if err != nil {
		return fmt.Errorf("removing what hangs on a group: %w", err)
	}
	rows, err := t.sql.DeleteGroup(t.ctx, query.DeleteGroupParams{AccountID: int64(account), ID: id})
	return changed("deleting a group", rows, err, chancery.ErrNotFound)
}

func (t *tx) groupOfID(account chancery.AccountID, id int64) (chancery.Group, error) {
	row, err := t.sql.GroupOfID(t.ctx, query.GroupOfIDParams{AccountID: int64(account), ID: id})
	return groupOf(row), found("reading a group", err)
}

func (t *tx) AddMember(account chancery.AccountID, group, user int64) error {
	for kind, id := range map[chancery.PrincipalKind]int64{chancery.GroupPrincipal: group, chancery.UserPrincipal: user} {
		if err := t.has(account, kind, id); err != nil {
			return err
		}
	}
	err := t.sql.AddMember(t.ctx, query.AddMemberParams{AccountID: int64(account), UserID: user, GroupID: group})
	if err != nil {
		return fmt.Errorf("adding a user to a group: %w", err)
	}
	return nil
}

func (t *tx) RemoveMember(account chancery.AccountID, group, user int64) error {
	err := t.sql.RemoveMember(t.ctx, query.RemoveMemberParams{AccountID: int64(account), UserID: user, GroupID: group})
	if err != nil {
		return fmt.Errorf("removing a user from a group: %w", err)
	}
	return nil
}

func (t *tx) Members(account chancery.AccountID, group int64) ([]chancery.User, error) {
	rows, err := t.sql.Members(t.ctx, query.MembersParams{AccountID: int64(account), GroupID: group})
	if err != nil {
		return nil, fmt.Errorf("listing the users of a group: %w", err)
	}
	return each(rows, userOf), nil
}

// has is ErrNotFound unless the account has the user, group or role.
func (t *tx) has(account chancery.AccountID, kind chancery.PrincipalKind, id int64) (err error) {
	switch kind {
	case chancery.UserPrincipal:
		_, err = t.UserOfID(account, id)
	case chancery.GroupPrincipal:
		_, err = t.groupOfID(account, id)
	case chancery.RolePrincipal:
		_, err = t.RoleOfID(account, id)
	case chancery.AccountPrincipal:
		err = chancery.ErrNotFound // it needs no policies
	}
	return err
}

func (t *tx) AddRole(r chancery.Role) error {
	rows, err := t.sql.AddRole(t.ctx, query.AddRoleParams{
		ID: r.ID, AccountID: int64(r.AccountID), Name: r.Name, Description: r.Description, Trust: r.Trust,
		MaxSession: r.MaxSession.Milliseconds(), CreatedAt: toMillis(r.CreatedAt),
	})
	return changed("adding a role", rows, err, chancery.ErrConflict)
}

func (t *tx) Role(account chancery.AccountID, name string) (chancery.Role, error) {
	row, err := t.sql.RoleNamed(t.ctx, query.RoleNamedParams{AccountID: int64(account), Name: name})
	return roleOf(row), found("reading a role", err)
}

func (t *tx) RoleOfID(account chancery.AccountID, id int64) (chancery.Role, error) {
	row, err := t.sql.RoleOfID(t.ctx, query.RoleOfIDParams{AccountID: int64(account), ID: id})
	return roleOf(row), found("reading a role", err)
}

func (t *tx) Roles(account chancery.AccountID) ([]chancery.Role, error) {
	rows, err := t.sql.Roles(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing roles: %w", err)
	}
	return each(rows, roleOf), nil
}

func roleOf(row query.Role) chancery.Role {
	return chancery.Role{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Name: row.Name, Description: row.Description, Trust: row.Trust,
		MaxSession: time.Duration(row.MaxSession) * time.Millisecond, CreatedAt: fromMillis(row.CreatedAt),
	}
}

func (t *tx) UpdateRole(r chancery.Role) error {
	rows, err := t.sql.UpdateRole(t.ctx, query.UpdateRoleParams{
		AccountID: int64(r.AccountID), ID: r.ID, Description: r.Description, Trust: r.Trust, MaxSession: r.MaxSession.Milliseconds(),
	})
	return changed("changing a role", rows, err, chancery.ErrNotFound)
}

func (t *tx) DeleteRole(account chancery.AccountID, id int64) error {
	err := errors.Join(
		t.sql.DeleteRoleSessions(t.ctx, query.DeleteRoleSessionsParams{AccountID: int64(account), RoleID: id}),
		t.detachAll(account, chancery.RolePrincipal, id),
	)
	if err != nil {
		return fmt.Errorf("removing what hangs on a role: %w", err)
	}
	rows, err := t.sql.DeleteRole(t.ctx, query.DeleteRoleParams{AccountID: int64(account), ID: id})
	return changed("deleting a role", rows, err, chancery.ErrNotFound)
}
