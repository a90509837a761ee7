// Package notice takes notices to where accounts want them: webhooks, in a format of
// our own or as DingTalk, Feishu and Slack take them, and mail.
//
// Where a webhook is was chosen by an account, so it is called only where the Dialer
// goes, never followed elsewhere, waited for briefly, and little is read of what it
// answers. What a notice says may come from strangers (names, a CA's words), and is
// nowhere taken for anything but text.
package notice

import (
	"context"
	"net"
	"time"

	"chancery"
)

// Dialer opens connections to hosts that accounts named. With onlyAllowed it goes to
// addresses that the operator allowed and to no others: what is sent there is sent
// without TLS. Its errors may be shown to the account.
type Dialer interface {
	Dial(ctx context.Context, host string, port uint16, onlyAllowed bool) (net.Conn, error)
}

// Courier implements chancery.Courier.
type Courier struct {
	Dialer Dialer
	// Mail is how mail leaves; nil: it does not.
	Mail  *SMTP
	Clock chancery.Clock
}

var _ chancery.Courier = (*Courier)(nil)

// deliveryTime bounds one delivery.
const deliveryTime = 15 * time.Second

// Deliver implements chancery.Courier.
func (c *Courier) Deliver(ctx context.Context, n chancery.Notice, to chancery.NoticeTarget) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryTime)
	defer cancel()
	switch {
	case to.Kind == chancery.WebhookTarget:
		return c.call(ctx, n, to)
	case c.Mail == nil:
		return undelivered("the service sends no mail; its operator has to set --smtp-url")
	}
	return c.Mail.send(ctx, n, to, c.Clock.Now())
}

func undelivered(reason string) error { return &chancery.UndeliveredError{Reason: reason} }
