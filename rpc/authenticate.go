package rpc

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/signature"
)

// timeFormat is that of Timestamp and x-acs-date.
const timeFormat = "2006-01-02T15:04:05Z"

const maxNonce = 256

// authenticate finds out who signed the request and that nobody sent it before.
func (g *Gateway) authenticate(ctx context.Context, c *call, m *message) error {
	claim, err := signature.Read(m.signed)
	var unreadable *signature.ReadError
	if errors.As(err, &unreadable) {
		return chancery.Errorf(chancery.Code(unreadable.Code), "%s", unreadable.Message)
	}
	if err != nil {
		return fmt.Errorf("reading the signature: %w", err)
	}
	c.scheme = string(claim.Scheme)
	c.claimed = claim.AccessKeyID
	if claim.Action != c.operation.Name || claim.Version != c.api.Version {
		return chancery.Errorf(SignatureDoesNotMatch, "the signature is for another operation than the one called")
	}
	key, err := g.accessKey(ctx, claim)
	if err != nil {
		return err
	}
	sent, err := g.checkTime(claim.Timestamp)
	if err != nil {
		return err
	}
	if !claim.Verify(key.Secret.Reveal()) {
		return mismatch(claim)
	}
	c.caller = chancery.Caller{AccountID: key.AccountID, AccessKeyID: key.ID, RequestID: c.id, Address: addressOf(c.request)}
	return g.useNonce(ctx, claim, sent)
}

func (g *Gateway) accessKey(ctx context.Context, claim *signature.Claim) (key chancery.AccessKey, err error) {
	err = g.Store.Read(ctx, func(tx chancery.Tx) error {
		key, err = tx.AccessKey(claim.AccessKeyID)
		return err
	})
	switch {
	case errors.Is(err, chancery.ErrNotFound):
		return key, chancery.Errorf(InvalidAccessKeyIDNotFound, "the access key id is not known here")
	case err != nil:
		return key, fmt.Errorf("loading an access key: %w", err)
	case key.Disabled:
		return key, chancery.Errorf(InvalidAccessKeyIDInactive, "the access key is disabled")
	case claim.SecurityToken != "":
		return key, chancery.Errorf(SecurityTokenMismatch, "the access key is not a temporary one, so it comes without a security token")
	}
	return key, nil
}

func (g *Gateway) checkTime(text string) (time.Time, error) {
	sent, err := time.Parse(timeFormat, text)
	if err != nil {
		return sent, chancery.Errorf(InvalidTimeStampFormat, "the time of the request is not of the form 2006-01-02T15:04:05Z, in UTC")
	}
	now := g.Clock.Now()
	if difference := now.Sub(sent).Abs(); difference > g.skew() {
		return sent, chancery.Errorf(InvalidTimeStampExpired, "the request's time is %s off the server's, which is %s; at most %s is allowed",
			difference.Round(time.Second), now.Format(timeFormat), g.skew())
	}
	return sent, nil
}

func (g *Gateway) skew() time.Duration {
	if g.ClockSkew == 0 {
		return DefaultClockSkew
	}
	return g.ClockSkew
}

// mismatch ends in the string to sign, after exactly the words that an official
// client looks for to tell a wrong secret from a wrong computation.
func mismatch(claim *signature.Claim) error {
	text := claim.StringToSign()
	if canonical := claim.CanonicalRequest(); canonical != "" {
		text += "\ncanonical request:\n" + canonical
	}
	return chancery.Errorf(SignatureDoesNotMatch, "Specified signature does not match our calculation; check the access key secret. server string to sign is:%s", text)
}

// useNonce records the nonce for as long as the request's time would be accepted.
func (g *Gateway) useNonce(ctx context.Context, claim *signature.Claim, sent time.Time) error {
	if len(claim.Nonce) > maxNonce {
		return chancery.Errorf("InvalidSignatureNonce", "the nonce has more than %d bytes", maxNonce)
	}
	err := g.Store.Write(ctx, func(tx chancery.Tx) error {
		return tx.UseNonce(claim.AccessKeyID, claim.Nonce, sent.Add(g.skew()+time.Minute))
	})
	if errors.Is(err, chancery.ErrConflict) {
		return chancery.Errorf(SignatureNonceUsed, "the nonce was used before; every request needs a new one")
	}
	if err != nil {
		return fmt.Errorf("recording a nonce: %w", err)
	}
	return nil
}
