package admin

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancery"
)

// Group is a group as the command line shows it.
type Group struct {
	AccountID chancery.AccountID `json:"accountId"`
	Name      string             `json:"name"`
	Users     []string           `json:"users"`
	Policies  []string           `json:"policies"`
	CreatedAt time.Time          `json:"createdAt"`
}

// Membership names a group and a user.
type Membership struct {
	AccountID chancery.AccountID `json:"accountId"`
	Group     string             `json:"group"`
	User      string             `json:"user"`
}

// CreateGroup makes a group without users and policies.
func (a *Admin) CreateGroup(ctx context.Context, in Named) (Group, error) {
	if err := words(chancery.CheckPrincipalName("group", in.Name)); err != nil {
		return Group{}, err
	}
	group := chancery.Group{ID: chancery.NewID(), Name: in.Name, CreatedAt: a.Clock.Now()}
	err := a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if group.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if err := tx.AddGroup(group); err != nil {
			return inUse(err, "a group", in.Name)
		}
		return a.record(tx, group.AccountID, "CreateGroup", "group/"+group.Name)
	})
	return Group{AccountID: group.AccountID, Name: group.Name, Users: []string{}, Policies: []string{}, CreatedAt: group.CreatedAt}, err
}

func theGroup(tx chancery.Tx, account chancery.AccountID, name string) (chancery.Group, error) {
	group, err := tx.Group(account, name)
	return group, missing(err, "group", name)
}

// ListGroups lists an account's groups by name.
func (a *Admin) ListGroups(ctx context.Context, in AccountName) (list []Group, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		groups, err := tx.Groups(account)
		if err != nil {
			return err
		}
		list = make([]Group, len(groups))
		for i, group := range groups {
			if list[i], err = groupOf(tx, group, has); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

func groupOf(tx chancery.Tx, group chancery.Group, has holders) (Group, error) {
	members, err := tx.Members(group.AccountID, group.ID)
	shown := Group{
		AccountID: group.AccountID, Name: group.Name, Users: make([]string, len(members)),
		Policies: has.policies(chancery.GroupPrincipal, group.ID), CreatedAt: group.CreatedAt,
	}
	for i, user := range members {
		shown.Users[i] = user.Name
	}
	return shown, err
}

// DeleteGroup removes a group; its users stay, without its policies. The answer is
// the group as it was.
func (a *Admin) DeleteGroup(ctx context.Context, in Named) (Group, error) {
	return a.changeGroup(ctx, in, func(tx chancery.Tx, group chancery.Group, _ Group) error {
		if err := tx.DeleteGroup(group.AccountID, group.ID); err != nil {
			return err
		}
		return a.record(tx, group.AccountID, "DeleteGroup", "group/"+group.Name)
	})
}

// changeGroup gives fn a group, also as it is shown, and answers with that.
func (a *Admin) changeGroup(ctx context.Context, in Named, fn func(chancery.Tx, chancery.Group, Group) error) (before Group, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		group, err := theGroup(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := holdersIn(tx, account)
		if err != nil {
			return err
		}
		if before, err = groupOf(tx, group, has); err != nil {
			return err
		}
		return fn(tx, group, before)
	})
	return before, err
}

// AddToGroup gives a user the policies of a group. It changes nothing when the
// user is in it already.
func (a *Admin) AddToGroup(ctx context.Context, in Membership) (Group, error) {
	var after []string
	group, err := a.changeGroup(ctx, Named{in.AccountID, in.Group}, func(tx chancery.Tx, group chancery.Group, before Group) error {
		user, err := theUser(tx, group.AccountID, in.User)
		if err != nil {
			return err
		}
		if after = before.Users; slices.Contains(after, user.Name) {
			return nil
		}
		after = slices.Sorted(slices.Values(append(some(after), user.Name)))
		if err := tx.AddMember(group.AccountID, group.ID, user.ID); err != nil {
			return err
		}
		return a.record(tx, group.AccountID, "AddUserToGroup", "group/"+group.Name+"/user/"+user.Name)
	})
	group.Users = some(after)
	return group, err
}

// RemoveFromGroup takes a user out of a group.
func (a *Admin) RemoveFromGroup(ctx context.Context, in Membership) (Group, error) {
	var after []string
	group, err := a.changeGroup(ctx, Named{in.AccountID, in.Group}, func(tx chancery.Tx, group chancery.Group, before Group) error {
		user, err := theUser(tx, group.AccountID, in.User)
		if err != nil {
			return err
		}
		if !slices.Contains(before.Users, user.Name) {
			return fmt.Errorf("user %s is not in group %s; `chancery group list` shows who is", user.Name, group.Name)
		}
		after = slices.DeleteFunc(some(before.Users), func(name string) bool { return name == user.Name })
		if err := tx.RemoveMember(group.AccountID, group.ID, user.ID); err != nil {
			return err
		}
		return a.record(tx, group.AccountID, "RemoveUserFromGroup", "group/"+group.Name+"/user/"+user.Name)
	})
	group.Users = some(after)
	return group, err
}
