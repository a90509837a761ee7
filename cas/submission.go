package cas

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// Official clients send a call again after a cut connection, with a new nonce
// and no idempotency key, so one intention could take two units. A submission
// record prevents that; it commits together with the order.

const maxClientToken = 128

// submissionOf is the record under which a is remembered; nil when it is not to
// be remembered at all.
func (s *Service) submissionOf(caller chancery.Caller, a application, now time.Time) (*chancery.Submission, error) {
	if err := checkClientToken(a.clientToken); err != nil {
		return nil, err
	}
	content, err := contentOf(a)
	if err != nil {
		return nil, err
	}
	record := &chancery.Submission{AccountID: caller.AccountID, Content: content, CreatedAt: now}
	switch {
	case a.clientToken != "":
		record.Key = hash("token", a.clientToken)
		record.ExpiresAt = now.Add(tokenWindow)
	case s.RepeatWindow > 0:
		record.Key = hash("same", caller.AccessKeyID, string(content))
		record.ExpiresAt = now.Add(s.RepeatWindow)
	default:
		return nil, nil
	}
	return record, nil
}

// earlier is the order that this submission was answered with before, or 0. A
// client token names its order whatever became of it; the same parameters do so
// only while that order is open.
func earlier(tx chancery.Tx, submission *chancery.Submission, byToken bool) (chancery.OrderID, error) {
	if submission == nil {
		return 0, nil
	}
	known, err := tx.Submission(submission.AccountID, submission.Key, submission.CreatedAt)
	if errors.Is(err, chancery.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(known.Content, submission.Content) {
		return 0, chancery.Errorf(chancery.IdempotentParameterMismatch, "ClientToken: it was used in the last 24 hours with other parameters; use a new one for another application")
	}
	if byToken {
		return known.OrderID, nil
	}
	order, err := tx.Order(known.AccountID, known.OrderID)
	if errors.Is(err, chancery.ErrNotFound) || err == nil && !order.Open() {
		return 0, nil
	}
	return known.OrderID, err
}

// contentOf is a hash over operation and parameters: what "the same" means.
func contentOf(a application) ([]byte, error) {
	parameters := chancery.EncodeParameters(a.input)
	delete(parameters, "ClientToken")
	text, err := json.Marshal(parameters) // with its keys sorted
	if err != nil {
		return nil, fmt.Errorf("writing parameters: %w", err)
	}
	return hash(a.operation, string(text)), nil
}

// hash is over the parts with their lengths, so that no two lists run together.
func hash(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_, _ = fmt.Fprintf(h, "%d:%s", len(part), part) // a hash takes all
	}
	return h.Sum(nil)
}

func checkClientToken(token string) error {
	if len(token) > maxClientToken {
		return chancery.Errorf(chancery.InvalidParameter, "ClientToken: more than %d characters", maxClientToken)
	}
	for i := range len(token) {
		if token[i] < ' ' || token[i] > '~' {
			return chancery.Errorf(chancery.InvalidParameter, "ClientToken: holds a character that is not printable ASCII")
		}
	}
	return nil
}
