package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddNotice(n chancery.Notice) error {
	fields, err := json.Marshal(n.NoticeFields)
	if err != nil {
		return fmt.Errorf("writing a notice: %w", err)
	}
	n.ID = chancery.NewID()
	err = t.sql.AddNotice(t.ctx, query.AddNoticeParams{
		ID: n.ID, AccountID: int64(n.AccountID), Kind: string(n.Kind), At: toMillis(n.At), Fields: string(fields),
	})
	if err != nil {
		return fmt.Errorf("adding a notice: %w", err)
	}
	targets, err := t.NoticeTargets(n.AccountID)
	if err != nil {
		return err
	}
	for _, target := range targets {
		if target.Wants(n.Kind) {
			if err := t.addDelivery(n, target); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *tx) addDelivery(n chancery.Notice, target chancery.NoticeTarget) error {
	id := chancery.NewID()
	err := t.sql.AddDelivery(t.ctx, query.AddDeliveryParams{ID: id, AccountID: int64(n.AccountID), NoticeID: n.ID, TargetID: target.ID})
	if err != nil {
		return fmt.Errorf("adding the delivery of a notice: %w", err)
	}
	return t.AddStep(chancery.Step{Kind: chancery.DeliverNotice, AccountID: n.AccountID, Subject: id, DueAt: n.At})
}

func (t *tx) Notice(account chancery.AccountID, id int64) (chancery.Notice, error) {
	row, err := t.sql.Notice(t.ctx, query.NoticeParams{AccountID: int64(account), ID: id})
	if err != nil {
		return chancery.Notice{}, found("reading a notice", err)
	}
	return noticeOf(row)
}

func noticeOf(row query.Notice) (chancery.Notice, error) {
	n := chancery.Notice{ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Kind: chancery.NoticeKind(row.Kind), At: fromMillis(row.At)}
	if err := json.Unmarshal([]byte(row.Fields), &n.NoticeFields); err != nil {
		return n, fmt.Errorf("reading notice %d: %w", row.ID, err)
	}
	return n, nil
}

func (t *tx) NoticesSince(account chancery.AccountID, kind chancery.NoticeKind, since time.Time, most int) ([]chancery.Notice, error) {
	rows, err := t.sql.NoticesSince(t.ctx, query.NoticesSinceParams{
		AccountID: int64(account), Since: toMillis(since), Kind: string(kind), Most: int32(min(most, 1000)), //nolint:gosec // it fits
	})
	if err != nil {
		return nil, fmt.Errorf("listing notices since %s: %w", since, err)
	}
	list := make([]chancery.Notice, len(rows))
	for i, row := range rows {
		if list[i], err = noticeOf(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (t *tx) Notices(account chancery.AccountID, most int) (notices []chancery.Notice, deliveries []chancery.Delivery, err error) {
	rows, err := t.sql.Notices(t.ctx, query.NoticesParams{AccountID: int64(account), Limit: int32(min(most, 1000))}) //nolint:gosec // it fits
	if err != nil {
		return nil, nil, fmt.Errorf("listing notices: %w", err)
	}
	for _, row := range rows {
		n, err := noticeOf(row)
		if err != nil {
			return nil, nil, err
		}
		made, err := t.sql.NoticeDeliveries(t.ctx, query.NoticeDeliveriesParams{AccountID: int64(account), NoticeID: n.ID})
		if err != nil {
			return nil, nil, fmt.Errorf("listing deliveries: %w", err)
		}
		notices, deliveries = append(notices, n), append(deliveries, each(made, deliveryOf)...)
	}
	return notices, deliveries, nil
}

func deliveryOf(row query.NoticeDelivery) chancery.Delivery {
	return chancery.Delivery{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), NoticeID: row.NoticeID, TargetID: row.TargetID,
		State: chancery.DeliveryState(row.State), Attempts: row.Attempts, At: fromMillis(row.At), Error: row.Error,
	}
}

func (t *tx) ForgetNotices(before time.Time) error {
	err := t.sql.ForgetDeliveries(t.ctx, toMillis(before))
	if err == nil {
		err = t.sql.ForgetNotices(t.ctx, toMillis(before))
	}
	if err != nil {
		return fmt.Errorf("forgetting old notices: %w", err)
	}
	return nil
}

func (t *tx) Delivery(account chancery.AccountID, id int64) (chancery.Delivery, error) {
	row, err := t.sql.Delivery(t.ctx, query.DeliveryParams{AccountID: int64(account), ID: id})
	return deliveryOf(row), found("reading a delivery", err)
}

func (t *tx) UpdateDelivery(d chancery.Delivery) error {
	rows, err := t.sql.UpdateDelivery(t.ctx, query.UpdateDeliveryParams{
		State: string(d.State), Attempts: d.Attempts, At: toMillis(d.At), Error: d.Error, AccountID: int64(d.AccountID), ID: d.ID,
	})
	return changed("writing a delivery", rows, err, chancery.ErrNotFound)
}

// Where a target's secrets stand, each bound to its own column.
const (
	noticeTargetTable = "notice_targets"
	targetURLPlace    = noticeTargetTable + ".url"
)

func (t *tx) AddNoticeTarget(n chancery.NoticeTarget) error {
	url, err := t.seal(n.URL, targetURLPlace, n.AccountID, n.ID)
	if err != nil {
		return err
	}
	secret, err := t.seal(n.Secret, noticeTargetTable, n.AccountID, n.ID)
	if err != nil {
		return err
	}
	kinds, err := jsonText(n.Kinds)
	if err != nil {
		return err
	}
	addresses, err := jsonText(n.Addresses)
	if err != nil {
		return err
	}
	err = t.sql.AddNoticeTarget(t.ctx, query.AddNoticeTargetParams{
		ID: n.ID, AccountID: int64(n.AccountID), Kind: string(n.Kind), Kinds: kinds, Format: string(n.Format), URL: url,
		Place: n.Place, Secret: secret, Addresses: addresses, CreatedAt: toMillis(n.CreatedAt),
	})
	if err != nil {
		return fmt.Errorf("adding a target of notices: %w", err)
	}
	return nil
}

func targetOf(row query.NoticeTarget) (chancery.NoticeTarget, error) {
	n := chancery.NoticeTarget{
		ID: row.ID, AccountID: chancery.AccountID(row.AccountID), Kind: chancery.TargetKind(row.Kind), CreatedAt: fromMillis(row.CreatedAt),
		Format: chancery.WebhookFormat(row.Format), Place: row.Place, SentAt: fromMillis(row.SentAt), FailedAt: fromMillis(row.FailedAt),
		NotBefore: fromMillis(row.NotBefore), Error: row.Error, Failures: row.Failures,
	}
	if err := errors.Join(fromJSON(row.Kinds, &n.Kinds), fromJSON(row.Addresses, &n.Addresses)); err != nil {
		return n, fmt.Errorf("reading target %d of notices: %w", row.ID, err)
	}
	return n, nil
}

func (t *tx) NoticeTargets(account chancery.AccountID) (targets []chancery.NoticeTarget, err error) {
	rows, err := t.sql.NoticeTargets(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing targets of notices: %w", err)
	}
	for _, row := range rows {
		target, err := targetOf(row)
		if err != nil {
			return nil, err
		}
		targets = append(targets, target)
	}
	return targets, nil
}

func (t *tx) NoticeTarget(account chancery.AccountID, id int64) (chancery.NoticeTarget, error) {
	row, err := t.sql.NoticeTarget(t.ctx, query.NoticeTargetParams{AccountID: int64(account), ID: id})
	if err != nil {
		return chancery.NoticeTarget{}, found("reading a target of notices", err)
	}
	n, err := targetOf(row)
	if err != nil {
		return n, err
	}
	if n.URL, err = t.open(row.URL, targetURLPlace, account, id); err != nil {
		return n, err
	}
	n.Secret, err = t.open(row.Secret, noticeTargetTable, account, id)
	return n, err
}

func (t *tx) DeleteNoticeTarget(account chancery.AccountID, id int64) error {
	err := t.sql.DeleteTargetDeliveries(t.ctx, query.DeleteTargetDeliveriesParams{AccountID: int64(account), TargetID: id})
	if err != nil {
		return fmt.Errorf("deleting the deliveries to a target: %w", err)
	}
	rows, err := t.sql.DeleteNoticeTarget(t.ctx, query.DeleteNoticeTargetParams{AccountID: int64(account), ID: id})
	return changed("deleting a target of notices", rows, err, chancery.ErrNotFound)
}

func (t *tx) MarkNoticeTarget(n chancery.NoticeTarget) error {
	rows, err := t.sql.MarkNoticeTarget(t.ctx, query.MarkNoticeTargetParams{
		SentAt: toMillis(n.SentAt), FailedAt: toMillis(n.FailedAt), NotBefore: toMillis(n.NotBefore), Error: n.Error,
		Failures: n.Failures, AccountID: int64(n.AccountID), ID: n.ID,
	})
	return changed("writing how a target of notices fares", rows, err, chancery.ErrNotFound)
}
