package chancery

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/mail"
	"net/url"
	"slices"
	"strings"
	"time"
)

// NoticeKind is what a notice is about.
type NoticeKind string

// The kinds of notices.
const (
	CertificateExpiring NoticeKind = "certificate-expiring" // certificates end soon and have no successor
	OrderFailed         NoticeKind = "order-failed"         // an order ended without a certificate
	QuotaLow            NoticeKind = "quota-low"            // a plan is nearly, or wholly, used
	CATrouble           NoticeKind = "ca-trouble"           // a CA fails, and orders wait for it
	TestNotice          NoticeKind = "test"                 // somebody wants to see whether notices arrive
)

// NoticeKinds are those that a target may ask for; a test goes to any.
var NoticeKinds = []NoticeKind{CertificateExpiring, OrderFailed, QuotaLow, CATrouble}

// OperatorAccount stands for the operator where an account's id is asked for: the
// operator's targets get what is about the service as a whole.
const OperatorAccount AccountID = 0

// Notice is something that an account, or the operator, is told. Which field below At
// is filled follows from Kind.
type Notice struct {
	ID        int64
	AccountID AccountID // or OperatorAccount
	Kind      NoticeKind
	At        time.Time
	NoticeFields
}

// NoticeFields are the particulars of a notice, with the names that receivers see.
type NoticeFields struct {
	Expiring *ExpiringCertificates `json:"expiring,omitempty"`
	Order    *FailedOrder          `json:"order,omitempty"`
	Plan     *LowPlan              `json:"plan,omitempty"`
	CA       *TroubledCA           `json:"ca,omitempty"`
}

// ExpiringCertificates have at most Days left, soonest first.
type ExpiringCertificates struct {
	Days         int                   `json:"days"`
	Certificates []ExpiringCertificate `json:"certificates"`
}

// ExpiringCertificate is one of them.
type ExpiringCertificate struct {
	ID       CertificateID `json:"certificateId"`
	Name     string        `json:"name"` // that of the certificate in the account
	OrderID  OrderID       `json:"orderId,omitempty"`
	Names    []string      `json:"names"`
	NotAfter time.Time     `json:"notAfter"`
}

// FailedOrder is an order that ended without a certificate.
type FailedOrder struct {
	ID      OrderID  `json:"orderId"`
	Product string   `json:"product"`
	Names   []string `json:"names"`
	Reason  string   `json:"reason"`
}

// LowPlan is a plan of which at least Percent is used. Left is what all plans of the
// product have left together.
type LowPlan struct {
	ID      int64  `json:"planId"`
	Product string `json:"product"`
	Used    int64  `json:"used"`
	Total   int64  `json:"total"`
	Percent int    `json:"percent"`
	Left    int64  `json:"left"`
}

// TroubleAfter is how long a CA fails before anybody is told: a single wrong answer is
// made good by the next attempt.
const TroubleAfter = 5 * time.Minute

// TroubledCA is a CA that has failed since Since; Orders wait for it, of the account or,
// for the operator, of all. Problem is the newest word on it.
type TroubledCA struct {
	Issuer  string    `json:"issuer"`
	Since   time.Time `json:"since"`
	Orders  int64     `json:"orders"`
	Problem string    `json:"problem"`
}

// NewFailedOrder is the notice of an order that has just failed.
func NewFailedOrder(o Order, now time.Time) Notice {
	failed := &FailedOrder{ID: o.ID, Product: o.ProductCode, Names: o.Names.Strings(), Reason: o.Reason}
	return Notice{AccountID: o.AccountID, Kind: OrderFailed, At: now, NoticeFields: NoticeFields{Order: failed}}
}

// ExpiryDays are how many days before their end certificates are told of, once each. A
// certificate that comes with less time left than that is not told of for it.
var ExpiryDays = []int{1, 7, 30, 60}

// QuotaPercents are how much of a plan is used when it is told, once each.
var QuotaPercents = []int{80, 100}

// TargetKind is how a target is reached.
type TargetKind string

// The kinds of targets.
const (
	WebhookTarget TargetKind = "webhook"
	MailTarget    TargetKind = "mail"
)

// WebhookFormat is what a webhook is sent.
type WebhookFormat string

// The formats of webhooks.
const (
	GenericFormat  WebhookFormat = "generic" // our own JSON, signed as Standard Webhooks
	DingTalkFormat WebhookFormat = "dingtalk"
	FeishuFormat   WebhookFormat = "feishu"
	SlackFormat    WebhookFormat = "slack"
)

// WebhookFormats are all of them.
var WebhookFormats = []WebhookFormat{GenericFormat, DingTalkFormat, FeishuFormat, SlackFormat}

// NoticeTarget is where notices of an account go.
type NoticeTarget struct {
	ID        int64
	AccountID AccountID // or OperatorAccount
	Kind      TargetKind
	Kinds     []NoticeKind // which it gets; empty: all
	CreatedAt time.Time

	// Of a webhook: Format, URL and Secret, which signs. The URL of a chat's webhook is a
	// credential itself, so it is kept as one; Place is what may be shown of it.
	Format WebhookFormat
	URL    Secret
	Place  string
	Secret Secret

	// Addresses are those of mail.
	Addresses []string

	// SentAt is when a notice last arrived; zero: never. FailedAt and Error are of the last
	// failure, Failures counts those since anything arrived, and NotBefore is when the
	// target is tried again.
	SentAt, FailedAt, NotBefore time.Time
	Error                       string
	Failures                    int64
}

// Wants tells whether the target gets notices of a kind.
func (t *NoticeTarget) Wants(kind NoticeKind) bool {
	return len(t.Kinds) == 0 || slices.Contains(t.Kinds, kind)
}

// MaxNoticeTargets is how many targets an account may have, MaxMailAddresses how many
// addresses one of them.
const (
	MaxNoticeTargets = 20
	MaxMailAddresses = 10
)

// secretPrefix begins the secrets of Standard Webhooks.
const secretPrefix = "whsec_"

// NewWebhookSecret makes a secret as Standard Webhooks writes them.
func NewWebhookSecret() Secret {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails
	return NewSecret([]byte(secretPrefix + base64.StdEncoding.EncodeToString(key)))
}

// WebhookKey is the key in such a secret.
func WebhookKey(secret Secret) ([]byte, error) {
	text, found := strings.CutPrefix(string(secret.Reveal()), secretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	if !found || err != nil || len(key) < 24 || len(key) > 64 {
		return nil, Errorf(InvalidParameter, "a webhook's secret is %s and 24 to 64 bytes in Base64; leave it out to have one made", secretPrefix)
	}
	return key, nil
}

// Check refuses a target that could never work, and settles its Place.
func (t *NoticeTarget) Check() error {
	for _, kind := range t.Kinds {
		if !slices.Contains(NoticeKinds, kind) {
			return Errorf(InvalidParameter, "%q is no kind of notice; take %s", excerpt(string(kind)), wordsOf(NoticeKinds))
		}
	}
	switch t.Kind {
	case WebhookTarget:
		return t.checkWebhook()
	case MailTarget:
		return t.checkMail()
	}
	return Errorf(InvalidParameter, "%q is no kind of target; take webhook or mail", excerpt(string(t.Kind)))
}

func (t *NoticeTarget) checkWebhook() error {
	if !slices.Contains(WebhookFormats, t.Format) {
		return Errorf(InvalidParameter, "%q is no format; take %s", excerpt(string(t.Format)), wordsOf(WebhookFormats))
	}
	if len(t.Addresses) > 0 {
		return Errorf(InvalidParameter, "a webhook has a URL and no mail addresses")
	}
	u, err := ParseWebhookURL(t.URL)
	if err != nil {
		return err
	}
	t.Place = u.Scheme + "://" + u.Host + "/…"
	if t.Format == GenericFormat {
		_, err = WebhookKey(t.Secret)
	}
	if t.Format == SlackFormat && !t.Secret.Empty() {
		return Errorf(InvalidParameter, "Slack takes no secret: its URL is one")
	}
	if secret := t.Secret.Reveal(); len(secret) > 200 || strings.ContainsFunc(string(secret), func(r rune) bool { return r <= ' ' || r > '~' }) {
		return Errorf(InvalidParameter, "a secret is one word of at most 200 letters")
	}
	return err
}

// ParseWebhookURL reads the URL of a webhook; its error does not repeat it. Whether its
// host may be called is known when it is called.
func ParseWebhookURL(secret Secret) (*url.URL, error) {
	text := string(secret.Reveal())
	u, err := url.Parse(text)
	switch {
	case err != nil, u.Opaque != "", u.Hostname() == "", len(text) > 2000,
		strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, Errorf(InvalidParameter, "a webhook's URL is as https://hooks.example.com/path, of at most 2000 characters")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, Errorf(InvalidParameter, "a webhook's URL begins with https://, or with http:// where the operator allows that")
	case u.User != nil:
		return nil, Errorf(InvalidParameter, "a webhook's URL holds no user name or password")
	}
	if WebhookPort(u) == 0 {
		return nil, Errorf(InvalidParameter, "a webhook's port is 80, 443, or one from 1024 up")
	}
	u.Fragment, u.RawFragment = "", ""
	return u, nil
}

// WebhookPort is the port of a webhook's URL; 0 for one that is not allowed. Below 1024
// are services that are spoken to in other ways, and that a POST might confuse.
func WebhookPort(u *url.URL) int {
	port := 0
	switch text := u.Port(); {
	case text == "" && u.Scheme == "https":
		return 443
	case text == "":
		return 80
	default:
		if _, err := fmt.Sscanf(text, "%d", &port); err != nil || fmt.Sprint(port) != text {
			return 0
		}
	}
	if port != 80 && port != 443 && port < 1024 || port > 65535 {
		return 0
	}
	return port
}

func (t *NoticeTarget) checkMail() error {
	if t.Format != "" || !t.URL.Empty() || !t.Secret.Empty() {
		return Errorf(InvalidParameter, "a mail target has addresses, and neither format nor URL nor secret")
	}
	if len(t.Addresses) < 1 || len(t.Addresses) > MaxMailAddresses {
		return Errorf(InvalidParameter, "a mail target has 1 to %d addresses", MaxMailAddresses)
	}
	for _, address := range t.Addresses {
		if !IsMailAddress(address) {
			return Errorf(InvalidParameter, "%q is not a mail address such as ops@example.com", excerpt(address))
		}
	}
	t.Place = strings.Join(t.Addresses, ", ")
	return nil
}

// IsMailAddress tells whether text is a bare address in ASCII: no name, no quoting, and
// nothing that could end a line of SMTP.
func IsMailAddress(text string) bool {
	parsed, err := mail.ParseAddress(text)
	return err == nil && parsed.Name == "" && parsed.Address == text && len(text) <= 254 &&
		!strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"<>(),;:\[]`, r) })
}

func wordsOf[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

// Delivery is what becomes of one notice at one target.
type Delivery struct {
	ID        int64
	AccountID AccountID
	NoticeID  int64
	TargetID  int64
	State     DeliveryState
	Attempts  int64
	At        time.Time // of the last attempt; zero: none
	Error     string    // of the last attempt
}

// DeliveryState is where a delivery stands.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaits   DeliveryState = "waits"
	DeliverySent    DeliveryState = "sent"
	DeliveryGivenUp DeliveryState = "given-up"
)

// Courier takes a notice to a target, once, within seconds. It may have arrived although
// there is an error: whoever tries again sends the same Notice.ID, by which receivers
// know it. Implementations are safe for concurrent use.
type Courier interface {
	Deliver(ctx context.Context, notice Notice, target NoticeTarget) error
}

// UndeliveredError is why a notice did not arrive, in words for the target's owner, which
// repeat nothing that the other side said beyond numbers.
type UndeliveredError struct {
	Reason string
	After  time.Time // the target wants to be left alone until then; zero: it did not say
	Gone   bool      // it will never take any
}

// Error implements error.
func (u *UndeliveredError) Error() string { return u.Reason }

// NoticeTx is the part of Tx about notices.
type NoticeTx interface {
	// AddNotice keeps a notice and, for each of the account's targets that wants it, adds
	// a delivery with the step that makes it.
	AddNotice(Notice) error
	// Notices lists the newest of an account, with their deliveries.
	Notices(account AccountID, most int) ([]Notice, []Delivery, error)
	// NoticesSince lists an account's notices of a kind from a time on, oldest first, at
	// most so many.
	NoticesSince(account AccountID, kind NoticeKind, since time.Time, most int) ([]Notice, error)
	Notice(account AccountID, id int64) (Notice, error)
	// ForgetNotices removes those of all accounts from before, with their deliveries.
	ForgetNotices(before time.Time) error

	AddNoticeTarget(NoticeTarget) error
	// NoticeTargets lists an account's, oldest first, without URLs and secrets.
	NoticeTargets(AccountID) ([]NoticeTarget, error)
	// NoticeTarget gives one with its URL and secret.
	NoticeTarget(account AccountID, id int64) (NoticeTarget, error)
	// DeleteNoticeTarget removes one with its deliveries; ErrNotFound when there is none.
	DeleteNoticeTarget(account AccountID, id int64) error
	// MarkNoticeTarget writes how the target fares: SentAt, FailedAt, NotBefore, Error
	// and Failures.
	MarkNoticeTarget(NoticeTarget) error

	Delivery(account AccountID, id int64) (Delivery, error)
	// UpdateDelivery writes State, Attempts, At and Error.
	UpdateDelivery(Delivery) error

	// ExpiryMark tells how far certificates have been told of that have so many days
	// left; the zero value: not at all. SetExpiryMark moves it.
	ExpiryMark(days int) (ExpiryMark, error)
	SetExpiryMark(days int, mark ExpiryMark) error
	// ExpiringCertificates lists those of all accounts that stand after a mark and end
	// by until, without PEM and keys, and are neither revoked nor deleted.
	ExpiringCertificates(after ExpiryMark, until time.Time, most int) ([]Certificate, error)
	// HasSuccessor tells whether the account has a certificate that is good for longer,
	// for the same common name and at least the same names.
	HasSuccessor(Certificate) (bool, error)

	// LowPlans lists plans of all accounts, not ended, of which at least the least of
	// QuotaPercents is used and that was not told of yet.
	LowPlans(now time.Time, most int) ([]Plan, error)
	// MarkPlanTold keeps that so many percent were told of.
	MarkPlanTold(account AccountID, plan int64, percent int) error

	// TroubledCAs lists CAs that fail since before then while orders wait for them, for
	// each account that has such orders.
	TroubledCAs(before time.Time) (map[AccountID][]TroubledCA, error)
	// TroubledCAsOf lists those of one account, that which fails longest first.
	TroubledCAsOf(account AccountID, before time.Time) ([]TroubledCA, error)
	// MarkTrouble keeps that an account was told that a CA fails, and is false if it was
	// kept already. ForgetTroubles forgets those that were not marked again since.
	MarkTrouble(account AccountID, issuer string, now time.Time) (first bool, err error)
	ForgetTroubles(since time.Time) error
}

// ExpiryMark is a place among certificates in the order of their ends.
type ExpiryMark struct {
	NotAfter time.Time
	ID       CertificateID
}
