package admin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// Whose names whose targets and notices are meant: an account's (0 for the only one
// there is) or, with Operator, the operator's own.
type Whose struct {
	AccountID chancery.AccountID `json:"accountId,omitempty"`
	Operator  bool               `json:"operator,omitempty"`
}

// NewNoticeTarget asks for a target. A webhook has Format and URL, mail has Addresses.
type NewNoticeTarget struct {
	Whose
	Kind   chancery.TargetKind    `json:"kind"`
	Format chancery.WebhookFormat `json:"format,omitempty"`
	URL    string                 `json:"url,omitempty"`
	// Secret signs; for the generic format one is made if it is left out.
	Secret    string                `json:"secret,omitempty"`
	Addresses []string              `json:"addresses,omitempty"`
	Kinds     []chancery.NoticeKind `json:"kinds,omitempty"` // which it gets; empty: all
}

// NoticeTarget is a target as it is shown.
type NoticeTarget struct {
	ID     int64                  `json:"targetId"`
	Whose                         // one of its two fields is set
	Kind   chancery.TargetKind    `json:"kind"`
	Format chancery.WebhookFormat `json:"format,omitempty"`
	// Place is the host of the webhook, whose URL is a secret, or the addresses.
	Place     string                `json:"place"`
	Kinds     []chancery.NoticeKind `json:"kinds"` // empty: all
	CreatedAt time.Time             `json:"createdAt"`
	// Secret is there once, in the answer to notice.target.add, if one was made.
	Secret string `json:"secret,omitempty"`
	// SentAt is when a notice last arrived, FailedAt and Error are of the last failure,
	// and Failures counts those since anything arrived.
	SentAt   *time.Time `json:"sentAt,omitempty"`
	FailedAt *time.Time `json:"failedAt,omitempty"`
	Error    string     `json:"error,omitempty"`
	Failures int64      `json:"failures"`
}

// NoticeTargetName names a target.
type NoticeTargetName struct {
	Whose
	ID int64 `json:"targetId"`
}

// NoticeTest is what a test came to; Error is why the notice did not arrive.
type NoticeTest struct {
	Target    NoticeTarget `json:"target"`
	Delivered bool         `json:"delivered"`
	Error     string       `json:"error,omitempty"`
}

// NoticeQuery asks for the newest notices.
type NoticeQuery struct {
	Whose
	Limit int `json:"limit"`
}

// Notice is a notice with what became of it.
type Notice struct {
	ID         int64                 `json:"noticeId"`
	Kind       chancery.NoticeKind   `json:"kind"`
	At         time.Time             `json:"time"`
	Subject    string                `json:"subject"`
	Text       string                `json:"text"`
	Fields     chancery.NoticeFields `json:"fields"`
	Deliveries []NoticeDelivery      `json:"deliveries"`
}

// NoticeDelivery is what became of a notice at one target.
type NoticeDelivery struct {
	TargetID int64                  `json:"targetId"`
	State    chancery.DeliveryState `json:"state"`
	Attempts int64                  `json:"attempts"`
	At       *time.Time             `json:"lastAttempt,omitempty"`
	Error    string                 `json:"error,omitempty"`
}

func (w Whose) find(tx chancery.Tx) (chancery.AccountID, error) {
	if w.Operator && w.AccountID != 0 {
		return 0, errors.New("name either an account or the operator")
	}
	if w.Operator {
		return chancery.OperatorAccount, nil
	}
	return theAccount(tx, w.AccountID)
}

// recordNotices writes a line of the audit log of an account; the operator has none.
func (a *Admin) recordNotices(tx chancery.Tx, account chancery.AccountID, action string, target int64) error {
	if account == chancery.OperatorAccount {
		return nil
	}
	return a.record(tx, account, action, fmt.Sprintf("noticetarget/%d", target))
}

// AddNoticeTarget adds where notices go. Nothing is sent yet.
func (a *Admin) AddNoticeTarget(ctx context.Context, in NewNoticeTarget) (shown NoticeTarget, err error) {
	target := chancery.NoticeTarget{
		ID: chancery.NewID(), Kind: in.Kind, Format: in.Format, Kinds: in.Kinds, Addresses: in.Addresses, CreatedAt: a.Clock.Now(),
	}
	if in.URL != "" {
		target.URL = chancery.NewSecret([]byte(in.URL))
	}
	if in.Secret != "" {
		target.Secret = chancery.NewSecret([]byte(in.Secret))
	}
	made := in.Kind == chancery.WebhookTarget && in.Format == chancery.GenericFormat && in.Secret == ""
	if made {
		target.Secret = chancery.NewWebhookSecret()
	}
	if err := target.Check(); err != nil {
		return shown, err
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		if target.AccountID, err = in.find(tx); err != nil {
			return err
		}
		others, err := tx.NoticeTargets(target.AccountID)
		if err != nil {
			return err
		}
		if len(others) >= chancery.MaxNoticeTargets {
			return fmt.Errorf("there are %d targets already, which is the most; remove one first", len(others))
		}
		if err := tx.AddNoticeTarget(target); err != nil {
			return err
		}
		return a.recordNotices(tx, target.AccountID, "AddNoticeTarget", target.ID)
	})
	shown = noticeTargetOf(target)
	if made {
		shown.Secret = string(target.Secret.Reveal())
	}
	return shown, err
}

func noticeTargetOf(t chancery.NoticeTarget) NoticeTarget {
	shown := NoticeTarget{
		ID: t.ID, Whose: Whose{t.AccountID, t.AccountID == chancery.OperatorAccount}, Kind: t.Kind, Format: t.Format, Place: t.Place,
		Kinds: append([]chancery.NoticeKind{}, t.Kinds...), CreatedAt: t.CreatedAt, Error: t.Error, Failures: t.Failures,
	}
	if !t.SentAt.IsZero() {
		shown.SentAt = &t.SentAt
	}
	if !t.FailedAt.IsZero() {
		shown.FailedAt = &t.FailedAt
	}
	return shown
}

// ListNoticeTargets lists them with how they fare, oldest first.
func (a *Admin) ListNoticeTargets(ctx context.Context, in Whose) (list []NoticeTarget, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := in.find(tx)
		if err != nil {
			return err
		}
		targets, err := tx.NoticeTargets(account)
		list = make([]NoticeTarget, len(targets))
		for i, target := range targets {
			list[i] = noticeTargetOf(target)
		}
		return err
	})
	return list, err
}

// RemoveNoticeTarget removes a target; what was not delivered yet never is.
func (a *Admin) RemoveNoticeTarget(ctx context.Context, in NoticeTargetName) (Nothing, error) {
	err := a.Store.Write(ctx, func(tx chancery.Tx) error {
		account, err := in.find(tx)
		if err != nil {
			return err
		}
		if err := tx.DeleteNoticeTarget(account, in.ID); err != nil {
			return noTarget(in.ID, err)
		}
		return a.recordNotices(tx, account, "RemoveNoticeTarget", in.ID)
	})
	return Nothing{}, err
}

func noTarget(id int64, err error) error {
	if errors.Is(err, chancery.ErrNotFound) {
		return fmt.Errorf("there is no target %d here; `chancery notice target list` shows those there are", id)
	}
	return err
}

// TestNoticeTarget sends a notice of the kind test at once, and tells what came of it.
// Which kinds the target wants does not matter, nor whether it failed before.
func (a *Admin) TestNoticeTarget(ctx context.Context, in NoticeTargetName) (test NoticeTest, err error) {
	if a.Courier == nil {
		return test, errors.New("notices are sent by the service; start it and try again")
	}
	var target chancery.NoticeTarget
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := in.find(tx)
		if err != nil {
			return err
		}
		target, err = tx.NoticeTarget(account, in.ID)
		return noTarget(in.ID, err)
	})
	if err != nil {
		return test, err
	}
	now := a.Clock.Now()
	failure := a.Courier.Deliver(ctx, chancery.Notice{ID: chancery.NewID(), AccountID: target.AccountID, Kind: chancery.TestNotice, At: now}, target)
	var undelivered *chancery.UndeliveredError
	if failure != nil && !errors.As(failure, &undelivered) {
		return test, failure
	}
	err = a.Store.Write(ctx, func(tx chancery.Tx) error {
		// Read again: deliveries may have ended meanwhile.
		if target, err = tx.NoticeTarget(target.AccountID, in.ID); err != nil {
			return noTarget(in.ID, err)
		}
		if undelivered == nil {
			target.SentAt, target.NotBefore, target.Failures = now, time.Time{}, 0
		} else {
			target.FailedAt, target.Error = now, undelivered.Reason
		}
		if err := tx.MarkNoticeTarget(target); err != nil {
			return err
		}
		return a.recordNotices(tx, target.AccountID, "TestNoticeTarget", in.ID)
	})
	test = NoticeTest{Target: noticeTargetOf(target), Delivered: undelivered == nil}
	if undelivered != nil {
		test.Error = undelivered.Reason
	}
	return test, err
}

// ListNotices lists the newest notices with their deliveries.
func (a *Admin) ListNotices(ctx context.Context, in NoticeQuery) (list []Notice, err error) {
	const most = 1000
	if in.Limit < 1 || in.Limit > most {
		return nil, fmt.Errorf("a list has 1 to %d notices, not %d", most, in.Limit)
	}
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		account, err := in.find(tx)
		if err != nil {
			return err
		}
		notices, deliveries, err := tx.Notices(account, in.Limit)
		list = make([]Notice, len(notices))
		place := map[int64]*Notice{}
		for i, n := range notices {
			list[i] = Notice{ID: n.ID, Kind: n.Kind, At: n.At, Subject: n.Subject(), Text: n.Text(), Fields: n.NoticeFields, Deliveries: []NoticeDelivery{}}
			place[n.ID] = &list[i]
		}
		for _, d := range deliveries {
			delivery := NoticeDelivery{TargetID: d.TargetID, State: d.State, Attempts: d.Attempts, Error: d.Error}
			if !d.At.IsZero() {
				delivery.At = &d.At
			}
			place[d.NoticeID].Deliveries = append(place[d.NoticeID].Deliveries, delivery)
		}
		return err
	})
	return list, err
}
