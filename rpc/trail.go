package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// trail is what a request that was signed rightly leaves in the store: its nonce,
// so that nobody sends it again, and its line in the audit log. Both commit with
// the first thing that the operation writes, so that there is no effect without
// its line and no second effect of one request; what wrote nothing, or failed,
// gets a transaction for them alone, before it is answered. It belongs to the
// goroutine of its request.
type trail struct {
	accessKeyID, nonce string    // no nonce: a call from inside, which cannot be sent again
	until              time.Time // when the request's time would be refused anyway

	line      chancery.AuditLine
	named     string              // the resource that the request names
	committed *chancery.AuditLine // what is in the log by now
}

// begin fills in what is known before the operation runs.
func (t *trail) begin(c *call, now time.Time) {
	t.line = chancery.AuditLine{
		AccountID: c.caller.AccountID, At: now, RequestID: c.id, Principal: c.caller.Principal.ARN(),
		AccessKeyID: c.caller.AccessKeyID, Address: c.caller.Address.String(), Action: c.api.Action(c.operation),
	}
	c.caller.Audit, c.caller.KeyNames = &t.line, &c.keyNames
}

// about keeps what the request names.
func (t *trail) about(resource string) { t.named, t.line.Resource = resource, resource }

// write is the part of a transaction that the trail is: before and after what else
// it does.
func (t *trail) write(tx chancery.Tx, fn func(chancery.Tx) error) error {
	if t.committed == nil {
		if err := t.useNonce(tx); err != nil {
			return err
		}
	}
	if err := fn(tx); err != nil {
		return err
	}
	return tx.AppendAudit(t.line)
}

func (t *trail) useNonce(tx chancery.Tx) error {
	if t.nonce == "" {
		return nil
	}
	err := tx.UseNonce(t.accessKeyID, t.nonce, t.until)
	if errors.Is(err, chancery.ErrConflict) {
		return nonceUsed()
	}
	return err
}

// finish writes what is not in the log yet: all of it when the operation wrote
// nothing, a second line when the outcome is not what the first one says. The
// caller may be gone by now; the line is written all the same.
func (t *trail) finish(ctx context.Context, store chancery.Store, failed error, keyRead bool) error {
	row, _ := lookUp(failed)
	if t.line.KeyRead = keyRead; failed != nil {
		t.line.Code = row.Code
	}
	if t.committed == nil && failed != nil {
		t.line.Resource = t.named // what it would have made is not there
	}
	if t.committed != nil && t.line.Code == t.committed.Code && t.line.KeyRead == t.committed.KeyRead {
		return nil
	}
	err := store.Write(context.WithoutCancel(ctx), func(tx chancery.Tx) error {
		return t.write(tx, func(chancery.Tx) error { return nil })
	})
	if err != nil && chancery.CodeOf(err) != SignatureNonceUsed {
		return fmt.Errorf("writing the audit log: %w", errors.Join(err, failed))
	}
	return err
}

// useNonceAlone is for a request that is refused before it is looked at: nothing
// happens, and nothing shall when somebody sends it again.
func (t *trail) useNonceAlone(ctx context.Context, store chancery.Store) error {
	if t.nonce == "" {
		return nil
	}
	if err := store.Write(ctx, t.useNonce); err != nil {
		return fmt.Errorf("recording a nonce: %w", err)
	}
	return nil
}

type trailKey struct{}

func withTrail(ctx context.Context, t *trail) context.Context {
	return context.WithValue(ctx, trailKey{}, t)
}

// WithTrails gives operations a store whose first Write in a request commits the
// request's nonce and audit line too. Outside a request it is store itself.
func WithTrails(store chancery.Store) chancery.Store { return trailStore{store} }

type trailStore struct{ chancery.Store }

// Write implements chancery.Store.
func (s trailStore) Write(ctx context.Context, fn func(chancery.Tx) error) error {
	t, _ := ctx.Value(trailKey{}).(*trail)
	if t == nil || t.committed != nil {
		return s.Store.Write(ctx, fn)
	}
	var line chancery.AuditLine
	err := s.Store.Write(ctx, func(tx chancery.Tx) error {
		defer func() { line = t.line }()
		return t.write(tx, fn)
	})
	if err == nil {
		t.committed = &line
	}
	return err
}
