package chancery

import "time"

// PolicyDocument is a policy of an account as it was written; package ram reads
// it. Its name is unique among the account's policies and no built-in one's.
type PolicyDocument struct {
	AccountID   AccountID
	Name        string
	Description string
	Document    string // JSON
	CreatedAt   time.Time
	UpdatedAt   time.Time
}

// Attachment is a policy, by name, that a user, group or role has: one of the
// account's, or a built-in one.
type Attachment struct {
	AccountID AccountID
	Kind      PrincipalKind // UserPrincipal, GroupPrincipal or RolePrincipal
	ID        int64         // of the user, group or role
	Policy    string
}

// Attached is a policy that applies to a principal. Document is empty for a
// built-in one, which package ram has.
type Attached struct {
	Policy   string
	Document string
}
