package store

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddOrder(o chancery.Order) error {
	tags, err := tagText(o.Tags)
	if err != nil {
		return err
	}
	rows, err := t.sql.AddOrder(t.ctx, query.AddOrderParams{
		ID: int64(o.ID), AccountID: int64(o.AccountID), InstanceID: o.InstanceID, AccessKeyID: o.AccessKeyID,
		ProductCode: o.ProductCode, PlanID: o.PlanID, Names: o.Names.String(), Method: string(o.Method),
		Username: o.Applicant.Username, Phone: o.Applicant.Phone, Email: o.Applicant.Email,
		Company: o.Company, Tags: tags, ResourceGroup: o.ResourceGroup, CSR: o.CSR, CSRID: int64(o.CSRID),
		Review: string(o.Review), Renews: int64(o.Renews), State: string(o.State), Reason: o.Reason,
		CreatedAt: toMillis(o.CreatedAt), ProveBy: toMillis(o.ProveBy), ProvedAt: toMillis(o.ProvedAt),
		IssuedAt: toMillis(o.IssuedAt), CertificateID: int64(o.CertificateID), Version: o.Version,
	})
	if err := changed("adding an order", rows, err, chancery.ErrConflict); err != nil {
		return err
	}
	entry, err := t.orderEntry(o)
	if err != nil || entry == nil {
		return err
	}
	return t.addEntry(entry)
}

func (t *tx) OrderOfInstance(account chancery.AccountID, instance string) (chancery.OrderID, error) {
	id, err := t.sql.OrderOfInstance(t.ctx, query.OrderOfInstanceParams{AccountID: int64(account), InstanceID: instance})
	return chancery.OrderID(id), found("finding an order by resource id", err)
}

func (t *tx) Order(account chancery.AccountID, id chancery.OrderID) (chancery.Order, error) {
	row, err := t.sql.Order(t.ctx, query.OrderParams{AccountID: int64(account), ID: int64(id)})
	if err != nil {
		return chancery.Order{}, found("reading an order", err)
	}
	order := chancery.Order{
		ID: chancery.OrderID(row.ID), AccountID: chancery.AccountID(row.AccountID), InstanceID: row.InstanceID,
		AccessKeyID: row.AccessKeyID, ProductCode: row.ProductCode, PlanID: row.PlanID,
		Names: namesOf(row.Names), Method: chancery.Method(row.Method),
		Applicant: chancery.Applicant{Username: row.Username, Phone: row.Phone, Email: row.Email},
		Company:   row.Company, ResourceGroup: row.ResourceGroup, CSRID: chancery.CSRID(row.CSRID),
		Review: chancery.Review(row.Review), Renews: chancery.OrderID(row.Renews),
		CSR: row.CSR, State: chancery.State(row.State), Reason: row.Reason,
		CreatedAt: fromMillis(row.CreatedAt), ProveBy: fromMillis(row.ProveBy), ProvedAt: fromMillis(row.ProvedAt),
		IssuedAt: fromMillis(row.IssuedAt), CertificateID: chancery.CertificateID(row.CertificateID), Version: row.Version,
	}
	order.Tags, err = tagsOf(row.Tags)
	return order, err
}

func (t *tx) OrdersUnderReview() ([]chancery.Order, error) {
	rows, err := t.sql.OrdersUnderReview(t.ctx)
	if err != nil {
		return nil, fmt.Errorf("listing orders under review: %w", err)
	}
	orders := make([]chancery.Order, len(rows))
	for i, row := range rows {
		if orders[i], err = t.Order(chancery.AccountID(row.AccountID), chancery.OrderID(row.ID)); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func (t *tx) AccountOfOrder(id chancery.OrderID) (chancery.AccountID, error) {
	account, err := t.sql.AccountOfOrder(t.ctx, int64(id))
	return chancery.AccountID(account), found("finding an order's account", err)
}

func tagText(tags []chancery.Tag) (string, error) {
	text, err := json.Marshal(tags)
	if err != nil {
		return "", fmt.Errorf("writing tags: %w", err)
	}
	return string(text), nil
}

func tagsOf(text string) (tags []chancery.Tag, err error) {
	if err := json.Unmarshal([]byte(text), &tags); err != nil {
		return nil, fmt.Errorf("reading tags: %w", err)
	}
	return tags, nil
}

func (t *tx) UpdateOrder(o chancery.Order) error {
	tags, err := tagText(o.Tags)
	if err != nil {
		return err
	}
	rows, err := t.sql.UpdateOrder(t.ctx, query.UpdateOrderParams{
		Review: string(o.Review), ResourceGroup: o.ResourceGroup, Tags: tags,
		State: string(o.State), Reason: o.Reason, ProvedAt: toMillis(o.ProvedAt), IssuedAt: toMillis(o.IssuedAt),
		CertificateID: int64(o.CertificateID), ProveBy: toMillis(o.ProveBy), AccountID: int64(o.AccountID), ID: int64(o.ID), Version: o.Version,
	})
	if err := changed("writing an order", rows, err, chancery.ErrConflict); err != nil {
		return err
	}
	return t.listOrder(o)
}

func (t *tx) AddValidations(validations []chancery.Validation) error {
	for i, v := range validations {
		err := t.sql.AddValidation(t.ctx, query.AddValidationParams{
			OrderID: int64(v.OrderID), AccountID: int64(v.AccountID), Position: int64(i),
			Name: string(v.Name), Method: string(v.Method), Token: v.Token,
		})
		if err != nil {
			return fmt.Errorf("adding a validation: %w", err)
		}
	}
	return nil
}

func (t *tx) Validations(account chancery.AccountID, order chancery.OrderID) ([]chancery.Validation, error) {
	rows, err := t.sql.Validations(t.ctx, query.ValidationsParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return nil, fmt.Errorf("reading validations: %w", err)
	}
	return each(rows, func(row query.Validation) chancery.Validation {
		return chancery.Validation{
			OrderID: chancery.OrderID(row.OrderID), AccountID: chancery.AccountID(row.AccountID),
			Name: chancery.Name(row.Name), Method: chancery.Method(row.Method), Token: row.Token, ProvedAt: fromMillis(row.ProvedAt),
			Place: row.Place, ExpiresAt: fromMillis(row.ExpiresAt),
		}
	}), nil
}

func (t *tx) MarkProved(account chancery.AccountID, order chancery.OrderID, name chancery.Name, at time.Time) error {
	err := t.sql.MarkProved(t.ctx, query.MarkProvedParams{
		ProvedAt: toMillis(at), AccountID: int64(account), OrderID: int64(order), Name: string(name),
	})
	if err != nil {
		return fmt.Errorf("keeping a proof: %w", err)
	}
	return nil
}

// namesOf reads what Names.String wrote.
func namesOf(text string) chancery.Names {
	var names chancery.Names
	for name := range strings.SplitSeq(text, ",") {
		names = append(names, chancery.Name(name))
	}
	return names
}

func (t *tx) AddEvidence(account chancery.AccountID, order chancery.OrderID, looks []chancery.Evidence) error {
	if validations, err := t.Validations(account, order); err != nil || len(validations) == 0 { // there is nothing to look at
		return cmp.Or(err, chancery.ErrNotFound)
	}
	for _, look := range looks {
		if err := t.addLook(account, order, look); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) addLook(account chancery.AccountID, order chancery.OrderID, look chancery.Evidence) error {
	last, err := t.sql.LastEvidence(t.ctx, query.LastEvidenceParams{OrderID: int64(order), AccountID: int64(account), Place: look.Where, Name: string(look.Name)})
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
	err = t.sql.AddEvidence(t.ctx, query.AddEvidenceParams{
		OrderID: int64(order), AccountID: int64(account), At: toMillis(look.At),
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

func (t *tx) OrderKeyMade(account chancery.AccountID, order chancery.OrderID) (time.Time, error) {
	at, err := t.sql.OrderKeyMade(t.ctx, query.OrderKeyMadeParams{AccountID: int64(account), OrderID: int64(order)})
	return fromMillis(at), found("reading when a key was made", err)
}

func (t *tx) DeleteOrderKey(account chancery.AccountID, order chancery.OrderID) error {
	err := t.sql.DeleteOrderKey(t.ctx, query.DeleteOrderKeyParams{AccountID: int64(account), OrderID: int64(order)})
	if err != nil {
		return fmt.Errorf("deleting a key: %w", err)
	}
	return nil
}
