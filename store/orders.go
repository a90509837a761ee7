package store

import (
	"encoding/json"
	"errors"
	"fmt"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddOrder(o chancery.Order) error {
	tags, err := json.Marshal(o.Tags)
	if err != nil {
		return fmt.Errorf("writing tags: %w", err)
	}
	rows, err := t.sql.AddOrder(t.ctx, query.AddOrderParams{
		ID: int64(o.ID), AccountID: int64(o.AccountID), InstanceID: o.InstanceID, AccessKeyID: o.AccessKeyID,
		ProductCode: o.ProductCode, PlanID: o.PlanID, Name: string(o.Name), Method: string(o.Method),
		Username: o.Applicant.Username, Phone: o.Applicant.Phone, Email: o.Applicant.Email,
		Tags: string(tags), CSR: o.CSR, State: string(o.State), Reason: o.Reason,
		CreatedAt: toMillis(o.CreatedAt), ProveBy: toMillis(o.ProveBy), ProvedAt: toMillis(o.ProvedAt),
		IssuedAt: toMillis(o.IssuedAt), CertificateID: int64(o.CertificateID), Version: o.Version,
	})
	return changed("adding an order", rows, err, chancery.ErrConflict)
}

func (t *tx) Order(account chancery.AccountID, id chancery.OrderID) (chancery.Order, error) {
	row, err := t.sql.Order(t.ctx, query.OrderParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.Order{}, found("reading an order", err)
	}
	order := chancery.Order{
		ID: chancery.OrderID(row.ID), AccountID: chancery.AccountID(row.AccountID), InstanceID: row.InstanceID,
		AccessKeyID: row.AccessKeyID, ProductCode: row.ProductCode, PlanID: row.PlanID,
		Name: chancery.Name(row.Name), Method: chancery.Method(row.Method),
		Applicant: chancery.Applicant{Username: row.Username, Phone: row.Phone, Email: row.Email},
		CSR:       row.CSR, State: chancery.State(row.State), Reason: row.Reason,
		CreatedAt: fromMillis(row.CreatedAt), ProveBy: fromMillis(row.ProveBy), ProvedAt: fromMillis(row.ProvedAt),
		IssuedAt: fromMillis(row.IssuedAt), CertificateID: chancery.CertificateID(row.CertificateID), Version: row.Version,
	}
	if err := json.Unmarshal([]byte(row.Tags), &order.Tags); err != nil {
		return order, fmt.Errorf("reading the tags of order %d: %w", id, err)
	}
	return order, nil
}

func (t *tx) UpdateOrder(o chancery.Order) error {
	rows, err := t.sql.UpdateOrder(t.ctx, query.UpdateOrderParams{
		State: string(o.State), Reason: o.Reason, ProvedAt: toMillis(o.ProvedAt), IssuedAt: toMillis(o.IssuedAt),
		CertificateID: int64(o.CertificateID), AccountID: int64(o.AccountID), ID: int64(o.ID), Version: o.Version,
	})
	return changed("writing an order", rows, err, chancery.ErrConflict)
}

func (t *tx) AddValidation(v chancery.Validation) error {
	err := t.sql.AddValidation(t.ctx, query.AddValidationParams{
		OrderID: int64(v.OrderID), AccountID: int64(v.AccountID), Name: string(v.Name), Method: string(v.Method), Token: v.Token,
	})
	if err != nil {
		return fmt.Errorf("adding a validation: %w", err)
	}
	return nil
}

func (t *tx) Validation(account chancery.AccountID, order chancery.OrderID) (chancery.Validation, error) {
	row, err := t.sql.Validation(t.ctx, query.ValidationParams{AccountID: int64(account), OrderID: int64(order)})
	return chancery.Validation{
		OrderID: chancery.OrderID(row.OrderID), AccountID: chancery.AccountID(row.AccountID),
		Name: chancery.Name(row.Name), Method: chancery.Method(row.Method), Token: row.Token,
	}, found("reading a validation", err)
}

func (t *tx) AddEvidence(account chancery.AccountID, order chancery.OrderID, looks []chancery.Evidence) error {
	if _, err := t.Validation(account, order); err != nil { // there is nothing to look at
		return err
	}
	for _, look := range looks {
		if err := t.addLook(account, order, look); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) addLook(account chancery.AccountID, order chancery.OrderID, look chancery.Evidence) error {
	last, err := t.sql.LastEvidence(t.ctx, query.LastEvidenceParams{OrderID: int64(order), AccountID: int64(account), Place: look.Where})
	err = found("reading evidence", err)
	if err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return err
	}
	if err == nil && last.Finding == string(look.Finding) && last.Detail == look.Detail {
		if err := t.sql.CountEvidence(t.ctx, query.CountEvidenceParams{At: toMillis(look.At), OrderID: int64(order), Seq: last.Seq}); err != nil {
			return fmt.Errorf("counting evidence: %w", err)
		}
		return nil
	}
	seq, err := t.sql.NextEvidence(t.ctx, int64(order))
	if err != nil {
		return fmt.Errorf("numbering evidence: %w", err)
	}
	err = t.sql.AddEvidence(t.ctx, query.AddEvidenceParams{
		OrderID: int64(order), Seq: int64(seq), AccountID: int64(account), At: toMillis(look.At),
		Method: string(look.Method), Name: string(look.Name), Place: look.Where,
		Finding: string(look.Finding), Detail: look.Detail,
	})
	if err != nil {
		return fmt.Errorf("adding evidence: %w", err)
	}
	return nil
}

func (t *tx) Evidence(account chancery.AccountID, order chancery.OrderID) ([]chancery.Evidence, error) {
	rows, err := t.sql.Evidence(t.ctx, query.EvidenceParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return nil, fmt.Errorf("reading evidence: %w", err)
	}
	return each(rows, func(row query.Evidence) chancery.Evidence {
		return chancery.Evidence{
			At: fromMillis(row.At), Method: chancery.Method(row.Method), Name: chancery.Name(row.Name),
			Where: row.Place, Finding: chancery.Finding(row.Finding), Detail: row.Detail, Count: row.Looks,
		}
	}), nil
}

const orderKeyTable = "order_keys"

func (t *tx) AddOrderKey(k chancery.OrderKey) error {
	sealed, err := t.seal(k.Key, orderKeyTable, k.AccountID, k.OrderID)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddOrderKey(t.ctx, query.AddOrderKeyParams{
		OrderID: int64(k.OrderID), AccountID: int64(k.AccountID), Key: sealed, CSR: k.CSR, CreatedAt: toMillis(k.CreatedAt),
	})
	return changed("adding a key", rows, err, chancery.ErrConflict)
}

func (t *tx) OrderKey(account chancery.AccountID, order chancery.OrderID) (chancery.OrderKey, error) {
	row, err := t.sql.OrderKey(t.ctx, query.OrderKeyParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return chancery.OrderKey{}, found("reading a key", err)
	}
	key, err := t.open(row.Key, orderKeyTable, account, order)
	return chancery.OrderKey{
		OrderID: order, AccountID: account, Key: key, CSR: row.CSR, CreatedAt: fromMillis(row.CreatedAt),
	}, err
}

func (t *tx) DeleteOrderKey(account chancery.AccountID, order chancery.OrderID) error {
	err := t.sql.DeleteOrderKey(t.ctx, query.DeleteOrderKeyParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return fmt.Errorf("deleting a key: %w", err)
	}
	return nil
}
