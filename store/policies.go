package store

import (
	"fmt"

	"chancery"
	"chancery/store/query"
)

func (t *tx) AddPolicy(p chancery.PolicyDocument) error {
	rows, err := t.sql.AddPolicy(t.ctx, query.AddPolicyParams{
		AccountID: int64(p.AccountID), Name: p.Name, Description: p.Description, Document: p.Document,
		CreatedAt: toMillis(p.CreatedAt), UpdatedAt: toMillis(p.UpdatedAt),
	})
	return changed("adding a policy", rows, err, chancery.ErrConflict)
}

func (t *tx) Policy(account chancery.AccountID, name string) (chancery.PolicyDocument, error) {
	row, err := t.sql.PolicyNamed(t.ctx, query.PolicyNamedParams{AccountID: int64(account), Name: name})
	return policyOf(row), found("reading a policy", err)
}

func (t *tx) Policies(account chancery.AccountID) ([]chancery.PolicyDocument, error) {
	rows, err := t.sql.Policies(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing policies: %w", err)
	}
	return each(rows, policyOf), nil
}

func policyOf(row query.Policy) chancery.PolicyDocument {
	return chancery.PolicyDocument{
		AccountID: chancery.AccountID(row.AccountID), Name: row.Name, Description: row.Description, Document: row.Document,
		CreatedAt: fromMillis(row.CreatedAt), UpdatedAt: fromMillis(row.UpdatedAt),
	}
}

func (t *tx) UpdatePolicy(p chancery.PolicyDocument) error {
	rows, err := t.sql.UpdatePolicy(t.ctx, query.UpdatePolicyParams{
		AccountID: int64(p.AccountID), Name: p.Name, Description: p.Description, Document: p.Document, UpdatedAt: toMillis(p.UpdatedAt),
	})
	return changed("changing a policy", rows, err, chancery.ErrNotFound)
}

func (t *tx) DeletePolicy(account chancery.AccountID, name string) error {
	held, err := t.sql.CountAttachments(t.ctx, query.CountAttachmentsParams{AccountID: int64(account), Policy: name})
	if err != nil {
		return fmt.Errorf("counting who has a policy: %w", err)
	}
	if held > 0 {
		return chancery.ErrConflict
	}
	rows, err := t.sql.DeletePolicy(t.ctx, query.DeletePolicyParams{AccountID: int64(account), Name: name})
	return changed("deleting a policy", rows, err, chancery.ErrNotFound)
}

func (t *tx) AttachPolicy(a chancery.Attachment) error {
	if err := t.has(a.AccountID, a.Kind, a.ID); err != nil {
		return err
	}
	err := t.sql.AttachPolicy(t.ctx, query.AttachPolicyParams{
		AccountID: int64(a.AccountID), Kind: string(a.Kind), PrincipalID: a.ID, Policy: a.Policy,
	})
	if err != nil {
		return fmt.Errorf("attaching a policy: %w", err)
	}
	return nil
}

func (t *tx) DetachPolicy(a chancery.Attachment) error {
	err := t.sql.DetachPolicy(t.ctx, query.DetachPolicyParams{
		AccountID: int64(a.AccountID), Kind: string(a.Kind), PrincipalID: a.ID, Policy: a.Policy,
	})
	if err != nil {
		return fmt.Errorf("detaching a policy: %w", err)
	}
	return nil
}

func (t *tx) detachAll(account chancery.AccountID, kind chancery.PrincipalKind, id int64) error {
	return t.sql.DetachAll(t.ctx, query.DetachAllParams{AccountID: int64(account), Kind: string(kind), PrincipalID: id})
}

func (t *tx) Attachments(account chancery.AccountID) ([]chancery.Attachment, error) {
	rows, err := t.sql.Attachments(t.ctx, int64(account))
	if err != nil {
		return nil, fmt.Errorf("listing who has which policy: %w", err)
	}
	return each(rows, func(row query.Attachment) chancery.Attachment {
		return chancery.Attachment{
			AccountID: chancery.AccountID(row.AccountID), Kind: chancery.PrincipalKind(row.Kind), ID: row.PrincipalID, Policy: row.Policy,
		}
	}), nil
}

func (t *tx) PoliciesOf(p chancery.Principal) ([]chancery.Attached, error) {
	own, err := t.sql.PoliciesOf(t.ctx, query.PoliciesOfParams{AccountID: int64(p.AccountID), Kind: string(p.Kind), PrincipalID: p.ID})
	if err != nil {
		return nil, fmt.Errorf("reading the policies of a %s: %w", p.Kind, err)
	}
	all := each(own, func(row query.PoliciesOfRow) chancery.Attached {
		return chancery.Attached{Policy: row.Policy, Document: row.Document.String}
	})
	if p.Kind != chancery.UserPrincipal {
		return all, nil
	}
	ofGroups, err := t.sql.GroupPoliciesOf(t.ctx, query.GroupPoliciesOfParams{AccountID: int64(p.AccountID), UserID: p.ID})
	if err != nil {
		return nil, fmt.Errorf("reading the policies of a user's groups: %w", err)
	}
	return append(all, each(ofGroups, func(row query.GroupPoliciesOfRow) chancery.Attached {
		return chancery.Attached{Policy: row.Policy, Document: row.Document.String}
	})...), nil
}
