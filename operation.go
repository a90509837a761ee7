package chancery

import (
	"context"
	"fmt"
	"net/netip"
)

// API is one product's table of contents, as the gateway mounts it.
type API struct {
	Product    string // "cas"
	Version    string // "2020-04-07"
	RAMCode    string // prefix of its RAM actions, "yundun-cert"
	Operations []Operation
}

// Operation is one row of such a table. NewInput gives a pointer to a fresh
// Input struct, whose fields are the parameters (see Parameters.Decode); Do runs
// the operation on it and gives a pointer to its Output struct.
type Operation struct {
	Name    string
	Summary string
	Access  AccessLevel
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
	AccountID   AccountID
	AccessKeyID string
	RequestID   string
	Address     netip.Addr
}
