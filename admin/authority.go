package admin

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"chancery"
)

// Authority is a CA of the embedded hierarchy as the console shows it.
type Authority struct {
	ID        string                 `json:"id"`
	Kind      chancery.AuthorityKind `json:"kind"`
	Subject   string                 `json:"subject"`
	Issuer    string                 `json:"issuer"`
	Key       string                 `json:"key"`
	NotBefore time.Time              `json:"notBefore"`
	NotAfter  time.Time              `json:"notAfter"`
	// Current: new certificates are signed with it, or with what it signed.
	Current bool `json:"current"`
	// CRLs is how many lists it has; Lists are the newest of them.
	CRLs  int64           `json:"crls"`
	Lists []AuthorityList `json:"lists"`
}

// AuthorityList is a CRL: when it was made, and what it holds.
type AuthorityList struct {
	Partition  int64      `json:"partition"`
	Number     int64      `json:"number"` // 0: none was made yet
	Issued     int64      `json:"issued"` // certificates that name it
	Revoked    int64      `json:"revoked"`
	Listed     int64      `json:"listed"` // of the revoked ones, those on it
	ThisUpdate *time.Time `json:"thisUpdate,omitempty"`
	NextUpdate *time.Time `json:"nextUpdate,omitempty"`
}

// shownLists is how many CRLs of an authority are shown, the newest ones.
const shownLists = 10

// ListAuthorities lists the CAs of the embedded hierarchy, newest first, without keys.
func (a *Admin) ListAuthorities(ctx context.Context, _ Nothing) (list []Authority, err error) {
	err = a.Store.Read(ctx, func(tx chancery.Tx) error {
		all, err := tx.Authorities()
		if err != nil {
			return err
		}
		list = make([]Authority, 0, len(all))
		current := map[chancery.AuthorityKind]bool{}
		for i := range all {
			shown, err := authorityOf(tx, all[len(all)-1-i])
			if err != nil {
				return err
			}
			shown.Current = !current[shown.Kind]
			current[shown.Kind] = true
			list = append(list, shown)
		}
		return nil
	})
	return list, err
}

// LateCRL is a CRL whose end has passed, and which is therefore refused by those who look
// for revoked certificates in it.
type LateCRL struct {
	Authority  string    `json:"authority"`
	Partition  int64     `json:"partition"`
	NextUpdate time.Time `json:"nextUpdate"` // when the next was promised
}

// ListLateCRLs lists CRLs that are late, that which is latest first, at most 100.
func (a *Admin) ListLateCRLs(ctx context.Context, _ Nothing) ([]LateCRL, error) {
	const most = 100
	list := []LateCRL{}
	err := a.Store.Read(ctx, func(tx chancery.Tx) error {
		late, err := tx.LateCRLs(a.Clock.Now(), most)
		for _, l := range late {
			list = append(list, LateCRL{Authority: l.AuthorityID, Partition: l.Partition, NextUpdate: l.NextUpdate.UTC()})
		}
		return err
	})
	return list, err
}

func authorityOf(tx chancery.Tx, record chancery.Authority) (Authority, error) {
	c, err := x509.ParseCertificate(record.Certificate)
	if err != nil {
		return Authority{}, fmt.Errorf("reading authority %s: %w", record.ID, err)
	}
	shown := Authority{
		ID: record.ID, Kind: record.Kind, Subject: c.Subject.String(), Issuer: c.Issuer.String(), Key: c.PublicKeyAlgorithm.String(),
		NotBefore: c.NotBefore, NotAfter: c.NotAfter, Lists: []AuthorityList{},
	}
	newest, err := tx.NewestCRL(record.ID)
	if errors.Is(err, chancery.ErrNotFound) {
		return shown, nil
	}
	if err != nil {
		return shown, err
	}
	shown.CRLs = newest.Partition + 1
	for partition := newest.Partition; partition >= max(0, newest.Partition-shownLists+1); partition-- {
		l, err := tx.CRL(record.ID, partition)
		if errors.Is(err, chancery.ErrNotFound) {
			continue
		}
		if err != nil {
			return shown, err
		}
		row := AuthorityList{Partition: l.Partition, Number: l.Number, Issued: l.Issued, Revoked: l.Revoked, Listed: l.Listed}
		if l.Number > 0 {
			row.ThisUpdate, row.NextUpdate = &l.ThisUpdate, &l.NextUpdate
		}
		shown.Lists = append(shown.Lists, row)
	}
	return shown, nil
}
