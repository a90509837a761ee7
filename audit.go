package chancery

import (
	"crypto/sha256"
	"encoding/binary"
	"time"
)

// AuditLine tells of one call that somebody who proved who they are has made, or
// of what the operator did to an account. The lines of an account are a chain:
// each one's Hash covers the one before, and the hash of the last is sealed with
// the keyring, so that a line that was changed, removed or moved shows.
type AuditLine struct {
	AccountID AccountID
	Seq       int64 // counted in the account from 1, without a gap
	At        time.Time
	RequestID string
	// Principal is the ARN of who acted, or Operator.
	Principal   string
	AccessKeyID string
	Address     string
	Action      string // "yundun-cert:DescribeCertificateState"
	Resource    string // "order/55"; empty for no single one
	Code        Code   // empty for success
	KeyRead     bool   // the answer held a private key
	Hash        []byte
}

// Operator is the principal of what is done on the admin socket.
const Operator = "operator"

// Chain gives the line's hash, given that of the line before it (empty for the
// first): SHA-256 over all fields, each with its length, so that no two lines read
// the same.
func (l AuditLine) Chain(before []byte) []byte {
	h := sha256.New()
	number := func(n int64) { _ = binary.Write(h, binary.BigEndian, n) } // a hash takes all
	text := func(parts ...string) {
		for _, part := range parts {
			number(int64(len(part)))
			_, _ = h.Write([]byte(part))
		}
	}
	text(string(before))
	number(int64(l.AccountID))
	number(l.Seq)
	number(l.At.UnixMilli())
	text(l.RequestID, l.Principal, l.AccessKeyID, l.Address, l.Action, l.Resource, string(l.Code))
	if l.KeyRead {
		number(1)
	} else {
		number(0)
	}
	return h.Sum(nil)
}

// AuditFilter picks lines of an account's audit log; zero fields pick all.
type AuditFilter struct {
	Since, Until time.Time // Until is not included
	// Principal, Action and Resource are compared whole.
	Principal, AccessKeyID, Action, Resource, RequestID string
	KeyReads                                            bool // only lines of private keys that were read
	Refused                                             bool // only lines with a Code
	// After is the number after which to begin: pages in the order of the chain.
	After int64
	// Upto, if not 0, is the number with which to end.
	Upto int64
	// Before, if not 0, has the lines with lower numbers, the newest first.
	Before int64
	Most   int64
}
