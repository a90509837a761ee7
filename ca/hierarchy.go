package ca

import (
	"context"
	"fmt"
	"slices"
	"time"

	"chancery"
)

// How long CAs live. The root's years lie within the 8 to 25 of BR 7.1.2.1.1;
// replacing it means touching every client. The issuing CA is replaced without
// anyone noticing, so it can be short; its successor is made while a leaf of the
// longest life ever allowed still fits.
const (
	rootYears    = 20
	issuingYears = 5
	issuingRest  = 400 * day
)

// hierarchy is every authority in the store, oldest first, with the issuing CA
// that signs now and its root.
type hierarchy struct {
	all           []*authority
	root, issuing *authority
}

// load reads the authorities and picks the newest root and the newest issuing CA.
func (a *Authority) load(ctx context.Context) error {
	var records []chancery.Authority
	err := a.config.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		records, err = tx.Authorities()
		return err
	})
	if err != nil {
		return fmt.Errorf("reading the authorities: %w", err)
	}
	a.hierarchy = hierarchy{}
	for _, record := range records {
		next, err := openAuthority(record)
		if err != nil {
			return fmt.Errorf("loading authority %s: %w", record.ID, err)
		}
		a.all = append(a.all, next)
	}
	return a.pick()
}

func (h *hierarchy) pick() error {
	for _, one := range slices.Backward(h.all) {
		if one.kind == chancery.IssuingAuthority {
			h.issuing = one
			break
		}
	}
	for _, one := range slices.Backward(h.all) {
		if one.kind != chancery.RootAuthority {
			continue
		}
		if h.issuing == nil || h.issuing.certificate.CheckSignatureFrom(one.certificate) == nil {
			h.root = one
			return nil
		}
	}
	if h.issuing != nil {
		return fmt.Errorf("no stored root signed issuing CA %s", h.issuing.id)
	}
	return nil
}

// find gives the authority with an id, or nil.
func (h *hierarchy) find(id string) *authority {
	for _, one := range h.all {
		if one.id == id {
			return one
		}
	}
	return nil
}

// complete tells whether nothing has to be made.
func (h *hierarchy) complete(now time.Time) bool {
	if h.issuing == nil {
		return false
	}
	end := h.issuing.certificate.NotAfter
	return end.Sub(now) >= issuingRest || !h.root.certificate.NotAfter.After(end)
}

// extend makes what is missing and stores it, unless somebody else has stored
// authorities since they were read: then theirs count, and these were never used.
// Unlike a leaf, a CA certificate is recorded only here, after it was signed:
// until the transaction commits its key exists in this process alone.
func (a *Authority) extend(ctx context.Context) error {
	now := a.config.Clock.Now()
	var made []chancery.Authority
	root := a.root
	if root == nil {
		record, err := a.makeRoot(now)
		if err != nil {
			return fmt.Errorf("making the root: %w", err)
		}
		if root, err = openAuthority(record); err != nil {
			return fmt.Errorf("checking the new root: %w", err)
		}
		made = append(made, record)
	}
	issuing, err := a.makeIssuing(root, now)
	if err != nil {
		return fmt.Errorf("making the issuing CA: %w", err)
	}
	return a.store(ctx, append(made, issuing))
}

func (a *Authority) store(ctx context.Context, made []chancery.Authority) error {
	err := a.config.Store.Write(ctx, func(tx chancery.Tx) error {
		stored, err := tx.Authorities()
		if err != nil || len(stored) != len(a.all) {
			return err
		}
		for _, record := range made {
			if err := tx.AddAuthority(record); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("storing the new authorities: %w", err)
	}
	return nil
}
