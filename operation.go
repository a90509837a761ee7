package chancery

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"strings"
)

// API is one product's table of contents, as the gateway mounts it.
type API struct {
	Product    string // "cas"
	Version    string // "2020-04-07"
	RAMCode    string // prefix of its RAM actions, "yundun-cert"
	Region     string // as resource names have it; empty for products without
	Operations []Operation
}

// Action is the RAM action of an operation of the table.
func (a API) Action(o Operation) string { return a.RAMCode + ":" + cmp.Or(o.Under, o.Name) }

// FullName is the name of a resource of an account as policies write it:
// acs:yundun-cert:cn-hangzhou:1234:order/55. Of no single resource it ends in "*".
func (a API) FullName(account AccountID, resource string) string {
	switch {
	case strings.HasPrefix(resource, "acs:"):
		return resource
	case resource == "":
		resource = "*"
	}
	return fmt.Sprintf("acs:%s:%s:%d:%s", a.RAMCode, a.Region, account, resource)
}

// ReadPrivateKey is the RAM action that is needed, besides the operation's own,
// for an answer to hold a private key.
const ReadPrivateKey = "ReadPrivateKey"

// Operation is one row of such a table. NewInput gives a pointer to a fresh
// Input struct, whose fields are the parameters (see Parameters.Decode); Do runs
// the operation on it and gives a pointer to its Output struct.
type Operation struct {
	Name    string
	Summary string
	Access  AccessLevel
	// Under is the operation whose RAM action it has, where that is not its own: it
	// tells what that operation tells, in another way.
	Under string
	// Everyone may call it: no policy is asked.
	Everyone bool
	// Rate is how many calls a second the original allows an account, by its pages.
	Rate int
	// Later operations are known and not served yet.
	Later bool
	// Input and Output are zero values, for those who list the fields.
	Input, Output any
	NewInput      func() any
	Do            func(ctx context.Context, caller Caller, input any) (output any, err error)
}

// AccessLevel is RAM's coarse kind of an operation.
type AccessLevel string

// The levels that operation pages name.
const (
	AccessGet    AccessLevel = "get"
	AccessList   AccessLevel = "list"
	AccessCreate AccessLevel = "create"
	AccessUpdate AccessLevel = "update"
	AccessDelete AccessLevel = "delete"
)

// Bind makes a row from a typed function.
func Bind[I, O any](name string, access AccessLevel, summary string, do func(context.Context, Caller, *I) (*O, error)) Operation {
	var in I
	var out O
	return Operation{
		Name: name, Summary: summary, Access: access,
		Input: in, Output: out,
		NewInput: func() any { return new(I) },
		Do: func(ctx context.Context, caller Caller, input any) (any, error) {
			typed, ok := input.(*I)
			if !ok {
				return nil, fmt.Errorf("%s: input is a %T", name, input)
			}
			output, err := do(ctx, caller, typed)
			if err != nil {
				return nil, err
			}
			return output, nil
		},
	}
}

// Caller is who signed a request.
type Caller struct {
	Principal   Principal
	AccountID   AccountID // in which the call is made: the principal's
	AccessKeyID string
	RequestID   string
	Address     netip.Addr
	Secure      bool // the call came over TLS
	// KeyNames is where KeyIsOf puts what it is told; nil for who is not asked.
	KeyNames *[]string
	// Audit is the line that the audit log will have of the call. It commits with
	// what the call writes.
	Audit *AuditLine
}

// Concerns names what a call made, for the audit log, where its parameters cannot.
func (c Caller) Concerns(resource string) {
	if c.Audit != nil {
		c.Audit.Resource = resource
	}
}

// KeyIsOf names what else the private key in the answer belongs to, where the
// Output cannot: a policy may speak of the key under any of its names.
func (c Caller) KeyIsOf(resource string) {
	if c.KeyNames != nil {
		*c.KeyNames = append(*c.KeyNames, resource)
	}
}

// KeyHolder is an Output that may hold a private key.
type KeyHolder interface {
	// RevealsKey tells whether it holds one.
	RevealsKey() bool
	// KeyResources are the names of what the key belongs to: a certificate and its order.
	KeyResources() []string
	// WithholdKey takes it out.
	WithholdKey()
}
