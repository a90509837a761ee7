package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chancery"
	"chancery/signature"
)

// timeFormat is that of Timestamp and x-acs-date.
const timeFormat = "2006-01-02T15:04:05Z"

const maxNonce = 256

// identity is who an access key speaks for, and what proves it.
type identity struct {
	principal chancery.Principal
	secret    chancery.Secret
	session   *chancery.Session // of temporary credentials
	replayed  bool              // the nonce was used before
}

// authenticate finds out who signed the request. The nonce is used when the
// request's trail is written, so that of several that come at once one has an
// effect; what is sent again later is refused here, before it costs the account a
// token of its rate.
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
	who, err := g.identify(ctx, claim)
	if err != nil {
		return err
	}
	sent, err := g.checkTime(claim.Timestamp)
	if err != nil {
		return err
	}
	if !claim.Verify(who.secret.Reveal()) {
		return mismatch(claim)
	}
	if len(claim.Nonce) > maxNonce {
		return chancery.Errorf("InvalidSignatureNonce", "the nonce has more than %d bytes", maxNonce)
	}
	if err := g.checkToken(who.session, claim.SecurityToken); err != nil {
		return err
	}
	if who.replayed {
		return nonceUsed()
	}
	c.session = who.session
	c.caller = chancery.Caller{
		Principal: who.principal, AccountID: who.principal.AccountID, AccessKeyID: claim.AccessKeyID,
		RequestID: c.id, Address: c.address, Secure: c.request.TLS != nil,
	}
	c.trail = &trail{accessKeyID: claim.AccessKeyID, nonce: claim.Nonce, until: sent.Add(g.skew() + time.Minute)}
	return nil
}

// identify finds the access key, whom it speaks for, and whether it used the nonce.
func (g *Gateway) identify(ctx context.Context, claim *signature.Claim) (who identity, err error) {
	err = g.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		if strings.HasPrefix(claim.AccessKeyID, chancery.SessionKeyPrefix) {
			who, err = sessionIdentity(tx, claim.AccessKeyID, claim.Nonce)
		} else {
			who, err = keyIdentity(tx, claim.AccessKeyID, claim.Nonce)
		}
		return err
	})
	if errors.Is(err, chancery.ErrNotFound) {
		return who, chancery.Errorf(InvalidAccessKeyIDNotFound, "the access key id is not known here")
	}
	if chancery.CodeOf(err) == chancery.InternalError {
		return who, fmt.Errorf("loading an access key: %w", err)
	}
	return who, err
}

func keyIdentity(tx chancery.Tx, accessKeyID, nonce string) (identity, error) {
	key, used, err := tx.SigningKey(accessKeyID, nonce)
	if err != nil {
		return identity{}, err
	}
	if key.Disabled {
		return identity{}, chancery.Errorf(InvalidAccessKeyIDInactive, "the access key is disabled")
	}
	who := identity{secret: key.Secret, replayed: used, principal: chancery.Principal{Kind: chancery.AccountPrincipal, AccountID: key.AccountID}}
	if key.UserID != 0 {
		user, err := tx.UserOfID(key.AccountID, key.UserID)
		if err != nil {
			return identity{}, err
		}
		who.principal = user.Principal()
	}
	return who, nil
}

func sessionIdentity(tx chancery.Tx, accessKeyID, nonce string) (identity, error) {
	session, err := tx.Session(accessKeyID)
	if err != nil {
		return identity{}, err
	}
	role, err := tx.RoleOfID(session.AccountID, session.RoleID)
	if err != nil {
		return identity{}, err
	}
	used, err := tx.NonceUsed(accessKeyID, nonce)
	return identity{secret: session.Secret, session: &session, replayed: used, principal: chancery.Principal{
		Kind: chancery.RolePrincipal, AccountID: session.AccountID, ID: role.ID, Name: role.Name, Session: session.Name,
	}}, err
}

// checkToken holds the security token to the access key. It comes after the
// signature, so that only who has the secret learns anything of it.
func (g *Gateway) checkToken(session *chancery.Session, token string) error {
	switch {
	case session == nil && token == "":
		return nil
	case session == nil:
		return chancery.Errorf(SecurityTokenMismatch, "the access key is not a temporary one, so it comes without a security token")
	case token == "":
		return chancery.Errorf(MissingSecurityToken, "the access key is a temporary one and needs the security token it came with")
	case !chancery.TokenWellFormed(token):
		return chancery.Errorf(SecurityTokenMalformed, "the security token is not one of this service, or was cut off")
	case !session.HasToken(token):
		return chancery.Errorf(SecurityTokenMismatch, "the security token belongs to another access key")
	case !session.RevokedAt.IsZero():
		return chancery.Errorf(SecurityTokenExpired, "the session was revoked; assume the role again")
	case !g.Clock.Now().Before(session.ExpiresAt):
		return chancery.Errorf(SecurityTokenExpired, "the session ended at %s; assume the role again", session.ExpiresAt.Format(timeFormat))
	}
	return nil
}

func nonceUsed() error {
	return chancery.Errorf(SignatureNonceUsed, "the nonce was used before; every request needs a new one")
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
	if sent.Before(g.NotBefore.Truncate(time.Second)) { // requests tell no fractions
		return sent, chancery.Errorf(InvalidTimeStampExpired, "the request is from before %s, when the service's data was restored; sign it anew", g.NotBefore.UTC().Format(timeFormat))
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
