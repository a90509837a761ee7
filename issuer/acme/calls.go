package acme

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// directoryTime is how long a directory is taken for true.
const directoryTime = 10 * time.Minute

// Discover gives the server's directory, which it fetches now and then.
func (c *Client) Discover(ctx context.Context) (Directory, error) {
	c.mu.Lock()
	known, at := c.known, c.knownAt
	c.mu.Unlock()
	if known != nil && c.Now().Before(at.Add(directoryTime)) && !c.Now().Before(at) {
		return *known, nil
	}
	a, err := c.send(ctx, http.MethodGet, c.Directory, nil, "application/json")
	if err == nil {
		err = a.judge(http.StatusOK)
	}
	var d Directory
	if err == nil {
		err = a.read(&d)
	}
	if err != nil {
		return Directory{}, err
	}
	if err := c.checkDirectory(d); err != nil {
		return Directory{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.knownAt = &d, c.Now()
	return d, nil
}

// checkDirectory refuses a directory with a URL that must not be used. A server may
// lack what no order needs.
func (c *Client) checkDirectory(d Directory) error {
	for _, to := range []string{d.NewNonce, d.NewAccount, d.NewOrder} {
		if err := c.CheckURL(to); err != nil {
			return err
		}
	}
	for _, to := range []string{d.RevokeCert, d.RenewalInfo} {
		if to == "" {
			continue
		}
		if err := c.CheckURL(to); err != nil {
			return err
		}
	}
	return nil
}

// forget has the directory fetched again after an answer that may come from its
// having changed.
func (c *Client) forget(err error) {
	var p *ProblemError
	if errors.As(err, &p) && p.Status != http.StatusNotFound && p.Status != http.StatusGone {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known, c.nonces = nil, nil
}

// Register makes the account of the key, or finds the one there is. kid and secret
// bind it to an account of another kind; empty where that is not needed.
func (c *Client) Register(ctx context.Context, contacts []string, kid string, secret []byte) (Account, error) {
	d, err := c.Discover(ctx)
	if err != nil {
		return Account{}, err
	}
	payload := map[string]any{"termsOfServiceAgreed": true}
	if len(contacts) > 0 {
		payload["contact"] = contacts
	}
	if kid != "" {
		public, err := jwk(c.Key.Public())
		if err != nil {
			return Account{}, err
		}
		binding, err := message(header{Alg: "HS256", URL: d.NewAccount, KID: kid}, public, signHS256(secret))
		if err != nil {
			return Account{}, err
		}
		payload["externalAccountBinding"] = json.RawMessage(binding)
	}
	return c.askAccount(ctx, d.NewAccount, payload)
}

// Existing finds the account of the key without making one.
func (c *Client) Existing(ctx context.Context) (Account, error) {
	d, err := c.Discover(ctx)
	if err != nil {
		return Account{}, err
	}
	return c.askAccount(ctx, d.NewAccount, map[string]any{"onlyReturnExisting": true})
}

func (c *Client) askAccount(ctx context.Context, to string, payload any) (account Account, err error) {
	a, err := c.post(ctx, to, payload, true, "application/json")
	if err != nil {
		return account, err
	}
	if err := a.read(&account); err != nil {
		return account, err
	}
	account.URL, err = c.location(a)
	return account, err
}

// NewOrder orders a certificate for names.
func (c *Client) NewOrder(ctx context.Context, names []string, profile string) (Order, error) {
	d, err := c.Discover(ctx)
	if err != nil {
		return Order{}, err
	}
	payload := map[string]any{}
	identifiers := make([]Identifier, len(names))
	for i, name := range names {
		identifiers[i] = Identifier{"dns", name}
	}
	payload["identifiers"] = identifiers
	if profile != "" {
		payload["profile"] = profile
	}
	a, err := c.post(ctx, d.NewOrder, payload, false, "application/json")
	if err != nil {
		return Order{}, err
	}
	order, err := c.order(a, names)
	if err == nil {
		order.URL, err = c.location(a)
	}
	return order, err
}

// Order asks how an order stands.
func (c *Client) Order(ctx context.Context, to string, names []string) (Order, error) {
	a, err := c.post(ctx, to, nil, false, "application/json")
	if err != nil {
		return Order{}, err
	}
	order, err := c.order(a, names)
	order.URL = to
	return order, err
}

// Finalize sends the CSR, in DER.
func (c *Client) Finalize(ctx context.Context, o Order, csr []byte, names []string) (Order, error) {
	a, err := c.post(ctx, o.Finalize, map[string]string{"csr": encode(csr)}, false, "application/json")
	if err != nil {
		return Order{}, err
	}
	order, err := c.order(a, names)
	order.URL = o.URL
	return order, err
}

// order reads an order and refuses one that is not ours in every part.
func (c *Client) order(a *answer, names []string) (o Order, err error) {
	if err := a.read(&o); err != nil {
		return o, err
	}
	o.After = a.after
	var ordered []string
	for _, id := range o.Identifiers {
		ordered = append(ordered, strings.ToLower(id.Value))
	}
	slices.Sort(ordered)
	switch {
	case !slices.Contains([]string{Pending, Ready, Processing, Valid, Invalid}, o.Status):
		return o, unusable("the order has no state that RFC 8555 knows")
	case !slices.Equal(ordered, slices.Sorted(slices.Values(names))):
		return o, unusable("the order is for other names")
	case len(o.Authorizations) == 0 || len(o.Authorizations) > len(names):
		return o, unusable("the order has not one authorization for each name")
	}
	for _, to := range append([]string{o.Finalize}, o.Authorizations...) {
		if err := c.CheckURL(to); err != nil {
			return o, err
		}
	}
	if o.Certificate != "" || o.Status == Valid {
		return o, c.CheckURL(o.Certificate)
	}
	return o, nil
}

// Authorization asks how the proof of one name stands.
func (c *Client) Authorization(ctx context.Context, to string) (z Authorization, err error) {
	a, err := c.post(ctx, to, nil, false, "application/json")
	if err != nil {
		return z, err
	}
	if err := a.read(&z); err != nil {
		return z, err
	}
	z.After = a.after
	if !slices.Contains([]string{Pending, Valid, Invalid, Deactivated, Expired, Revoked}, z.Status) {
		return z, unusable("the authorization has no state that RFC 8555 knows")
	}
	return z, nil
}

// token is base64url of 128 random bits or more (RFC 8555, 8.1).
var token = regexp.MustCompile(`^[A-Za-z0-9_-]{22,128}$`)

// Check refuses a challenge whose token or URL must not be used: the token becomes
// part of a path.
func (c *Client) Check(challenge Challenge) error {
	if !token.MatchString(challenge.Token) {
		return unusable("the token of a challenge is not 22 to 128 characters of base64url")
	}
	return c.CheckURL(challenge.URL)
}

// Tell has the server look at a proof.
func (c *Client) Tell(ctx context.Context, to string) (after time.Time, err error) {
	a, err := c.post(ctx, to, struct{}{}, false, "application/json")
	if err != nil {
		return time.Time{}, err
	}
	return a.after, nil
}

// Revoke revokes a certificate, in DER, for a reason of RFC 5280.
func (c *Client) Revoke(ctx context.Context, certificate []byte, reason int) error {
	d, err := c.Discover(ctx)
	if err != nil {
		return err
	}
	payload := map[string]any{"certificate": encode(certificate), "reason": reason}
	_, err = c.post(ctx, d.RevokeCert, payload, false, "")
	var p *ProblemError
	if errors.As(err, &p) && p.Kind() == AlreadyRevoked {
		return nil
	}
	return err
}
