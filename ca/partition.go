package ca

import (
	"context"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"

	"chancery"
)

// partition chooses the CRL that a new certificate of the issuer names. A CRL
// that would list everything the issuer ever signed could grow past what a client
// fetches, so it is for Config.CRLSize certificates, give or take the few that
// are signed at the same moment. Without a base URL certificates name no CRL, so
// one is for all.
func (a *Authority) partition(ctx context.Context, issuer *authority) (partition int64, err error) {
	if !a.locations.known() {
		return 0, nil
	}
	err = a.config.Store.Read(ctx, func(tx chancery.Tx) error {
		newest, err := tx.NewestCRL(issuer.id)
		if errors.Is(err, chancery.ErrNotFound) {
			return nil
		}
		if partition = newest.Partition; newest.Issued >= a.config.CRLSize {
			partition++
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("choosing a CRL: %w", err)
	}
	return partition, nil
}

var oidIssuingDistributionPoint = asn1.ObjectIdentifier{2, 5, 29, 28}

// distributionPoint is the extension of a CRL that is one of several (RFC 5280,
// section 5.2.5): it repeats the address that its certificates name, and says
// that no CA certificate is among them.
func distributionPoint(address string) (pkix.Extension, error) {
	const uniformResourceIdentifier = 6 // of GeneralName
	type distributionPointName struct {
		FullName []asn1.RawValue `asn1:"optional,tag:0"`
	}
	value, err := asn1.Marshal(struct {
		Name          distributionPointName `asn1:"optional,tag:0"`
		OnlyUserCerts bool                  `asn1:"optional,tag:1"`
	}{
		Name: distributionPointName{FullName: []asn1.RawValue{{
			Class: asn1.ClassContextSpecific, Tag: uniformResourceIdentifier, Bytes: []byte(address),
		}}},
		OnlyUserCerts: true,
	})
	if err != nil {
		return pkix.Extension{}, fmt.Errorf("writing the CRL's distribution point: %w", err)
	}
	return pkix.Extension{Id: oidIssuingDistributionPoint, Critical: true, Value: value}, nil
}
