package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"chancery"
)

// User is a user as the command line shows it. Policies are its own, without those
// of its groups.
type User struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	DisplayName string             `json:"displayName,omitempty"`
	Groups      []string           `json:"groups"`
	Policies    []string           `json:"policies"`
	AccessKeys  int                `json:"accessKeys"`
	CreatedAt   time.Time          `json:"createdAt"`
}

// NewUser asks for a user.
type NewUser struct {
	AccountID   chancery.AccountID `json:"accountId"`
	Name        string             `json:"name"`
	DisplayName string             `json:"displayName,omitempty"`
}

// DeletedUser tells what went with a user.
type DeletedUser struct {
	AccountID  chancery.AccountID `json:"accountId"`
	Name       string             `json:"name"`
	AccessKeys []string           `json:"accessKeys"`
	Groups     []string           `json:"groups"`
	Policies   []string           `json:"policies"`
}

// CreateUser makes a user without keys and policies, who may do nothing yet.
func (a *Admin) CreateUser(ctx context.Context, in NewUser) (User, error) {
	if err := cmp.Or(words(chancery.CheckPrincipalName("user", in.Name)), checkText("display name", in.DisplayName)); err != nil {
		return User{}, err
	}
	user := chancery.User{ID: chancery.NewID(), Name: in.Name, DisplayName: in.DisplayName, CreatedAt: a.Clock.Now()}
	err := a.Store.Write(ctx, func(tx chancery.Tx) (err error) {
		if user.AccountID, err = theAccount(tx, in.AccountID); err != nil {
			return err
		}
		if err := tx.AddUser(user); err != nil {
			return inUse(err, "a user", in.Name)
		}
		return a.record(tx, user.AccountID, "CreateUser", "user/"+user.Name)
	})
	return User{
		AccountID: user.AccountID, Name: user.Name, DisplayName: user.DisplayName,
		Groups: []string{}, Policies: []string{}, CreatedAt: user.CreatedAt,
	}, err
}

const maxText = 256

// checkText holds what people write for people to one line.
func checkText(what, text string) error {
	unseen := func(r rune) bool { return !unicode.IsPrint(r) }
	if !utf8.ValidString(text) || utf8.RuneCountInString(text) > maxText || strings.ContainsFunc(text, unseen) {
		return fmt.Errorf("%s: up to %d characters that can be printed, on one line", what, maxText)
	}
	return nil
}

func checkChanged(what string, text *string) error {
	if text == nil {
		return nil
	}
	return checkText(what, *text)
}

// inUse tells a person which name is taken.
func inUse(err error, what, name string) error {
	if errors.Is(err, chancery.ErrConflict) {
		return fmt.Errorf("there is %s %s already in this account", what, name)
	}
	return err
}

// missing tells a person which name is not there, and where those are that are.
func missing(err error, what, name string) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return fmt.Errorf("there is no %s %s in this account; `chancery %s list` shows them", what, name, what)
	}
	return err
}

func theUser(tx chancery.Tx, account chancery.AccountID, name string) (chancery.User, error) {
	user, err := tx.User(account, name)
	return user, missing(err, "user", name)
}

// userNames gives the names of an account's users by id.
func userNames(tx chancery.Tx, account chancery.AccountID) (map[int64]string, error) {
	users, err := tx.Users(account)
	if err != nil {
		return nil, err
	}
	names := map[int64]string{}
	for _, user := range users {
		names[user.ID] = user.Name
	}
	return names, nil
}

// ListUsers lists an account's users by name.
func (a *Admin) ListUsers(ctx context.Context, in AccountName) (list []User, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.ID)
		if err != nil {
			return err
		}
		users, err := tx.Users(account)
		if err != nil {
			return err
		}
		has, err := possessions(tx, account)
		if err != nil {
			return err
		}
		list = make([]User, len(users))
		for i, user := range users {
			list[i] = User{
				AccountID: account, Name: user.Name, DisplayName: user.DisplayName,
				Groups: some(has.groups[user.ID]), Policies: has.policies(chancery.UserPrincipal, user.ID),
				AccessKeys: len(has.keys[user.ID]), CreatedAt: user.CreatedAt,
			}
		}
		return nil
	})
	return list, err
}

// UserLogin is a user with what it signs in with.
type UserLogin struct {
	User
	Password     bool        `json:"password"` // it has one for the console
	SecondFactor bool        `json:"secondFactor"`
	ChangedAt    *time.Time  `json:"changedAt,omitempty"` // when one of the two last was
	Keys         []AccessKey `json:"keys"`                // without secrets
}

// ShowUser shows a user and how it may sign in.
func (a *Admin) ShowUser(ctx context.Context, in Named) (shown UserLogin, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		user, err := theUser(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := possessions(tx, account)
		if err != nil {
			return err
		}
		shown = UserLogin{Keys: []AccessKey{}, User: User{
			AccountID: account, Name: user.Name, DisplayName: user.DisplayName, Groups: some(has.groups[user.ID]),
			Policies: has.policies(chancery.UserPrincipal, user.ID), AccessKeys: len(has.keys[user.ID]), CreatedAt: user.CreatedAt,
		}}
		login, err := tx.ConsoleLogin(account, user.ID)
		if err != nil && !errors.Is(err, chancery.ErrNotFound) {
			return err
		}
		shown.Password, shown.SecondFactor = login.Hash != "", !login.TOTP.Empty()
		if !login.ChangedAt.IsZero() {
			shown.ChangedAt = &login.ChangedAt
		}
		keys, err := tx.AccessKeys(account)
		for _, key := range keys {
			if key.UserID == user.ID {
				shown.Keys = append(shown.Keys, AccessKey{ID: key.ID, AccountID: account, User: user.Name, Disabled: key.Disabled, CreatedAt: key.CreatedAt})
			}
		}
		return err
	})
	return shown, err
}

// DeleteUser removes a user with access keys, memberships and attachments. The
// keys end with the next request.
func (a *Admin) DeleteUser(ctx context.Context, in Named) (gone DeletedUser, err error) {
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := theAccount(tx, in.AccountID)
		if err != nil {
			return err
		}
		user, err := theUser(tx, account, in.Name)
		if err != nil {
			return err
		}
		has, err := possessions(tx, account)
		if err != nil {
			return err
		}
		gone = DeletedUser{
			AccountID: account, Name: user.Name, AccessKeys: some(has.keys[user.ID]),
			Groups: some(has.groups[user.ID]), Policies: has.policies(chancery.UserPrincipal, user.ID),
		}
		if err := tx.DeleteUser(account, user.ID); err != nil {
			return err
		}
		return a.record(tx, account, "DeleteUser", "user/"+user.Name)
	})
	return gone, err
}

// belongings are what the users of an account have.
type belongings struct {
	holders
	groups, keys map[int64][]string // names of groups and ids of keys, by user
}

func possessions(tx chancery.Tx, account chancery.AccountID) (has belongings, err error) {
	has = belongings{groups: map[int64][]string{}, keys: map[int64][]string{}}
	if has.holders, err = holdersIn(tx, account); err != nil {
		return has, err
	}
	groups, err := tx.Groups(account)
	if err != nil {
		return has, err
	}
	for _, group := range groups {
		members, err := tx.Members(account, group.ID)
		if err != nil {
			return has, err
		}
		for _, user := range members {
			has.groups[user.ID] = append(has.groups[user.ID], group.Name)
		}
	}
	keys, err := tx.AccessKeys(account)
	for _, key := range keys {
		has.keys[key.UserID] = append(has.keys[key.UserID], key.ID)
	}
	return has, err
}

// some is a list that JSON shows also when it is empty.
func some(list []string) []string { return append([]string{}, list...) }
