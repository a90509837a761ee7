package chancery

import (
	"fmt"
	"time"
)

// PrincipalKind is what kind of principal acts, or has policies.
type PrincipalKind string

// The kinds of principals. A group has policies and acts through its users.
const (
	AccountPrincipal PrincipalKind = "account"
	UserPrincipal    PrincipalKind = "user"
	GroupPrincipal   PrincipalKind = "group"
	RolePrincipal    PrincipalKind = "role"
)

// Principal is who acts in an account: the account itself, which may do everything
// in it, or a user or the session of a role, who may do what their policies allow.
type Principal struct {
	Kind      PrincipalKind
	AccountID AccountID
	ID        int64  // of the user, group or role; 0 for the account
	Name      string // likewise; empty for the account
	Session   string // of the role
}

// ARN is the principal's resource name, as policies and GetCallerIdentity write
// it: acs:ram::1234:root, acs:ram::1234:user/ada or
// acs:ram::1234:assumed-role/deployer/nightly.
func (p Principal) ARN() string {
	switch p.Kind {
	case UserPrincipal, GroupPrincipal:
		return ramARN(p.AccountID, string(p.Kind)+"/"+p.Name)
	case RolePrincipal:
		return ramARN(p.AccountID, "assumed-role/"+p.Name+"/"+p.Session)
	case AccountPrincipal:
	}
	return ramARN(p.AccountID, "root")
}

func ramARN(account AccountID, relative string) string {
	return fmt.Sprintf("acs:ram::%d:%s", account, relative)
}

// User is a RAM user of an account. Its name is unique among the account's users.
type User struct {
	ID          int64
	AccountID   AccountID
	Name        string
	DisplayName string
	CreatedAt   time.Time
}

// Principal is the user as who acts.
func (u User) Principal() Principal {
	return Principal{Kind: UserPrincipal, AccountID: u.AccountID, ID: u.ID, Name: u.Name}
}

// Group gives its policies to its users. Its name is unique among the account's groups.
type Group struct {
	ID        int64
	AccountID AccountID
	Name      string
	CreatedAt time.Time
}

// Principal is the group as what has policies.
func (g Group) Principal() Principal {
	return Principal{Kind: GroupPrincipal, AccountID: g.AccountID, ID: g.ID, Name: g.Name}
}

const maxPrincipalName = 64

// CheckPrincipalName holds names of users, groups, roles and policies to 1 to 64
// letters, digits, '.', '_', '@' and '-': what stands in a resource name and means
// nothing to the patterns of policies.
func CheckPrincipalName(what, name string) error {
	allowed := func(b byte) bool { return alnum(b) || b == '.' || b == '_' || b == '-' || b == '@' }
	if name == "" || len(name) > maxPrincipalName || !onlyBytes(name, allowed) {
		return Errorf(InvalidParameter, "%s: a name has 1 to %d letters, digits, '.', '_', '-' or '@'", what, maxPrincipalName)
	}
	return nil
}
