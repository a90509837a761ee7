package service

import (
	"context"
	"errors"
	"fmt"

	"chancery"
	"chancery/issuer"
)

// checkIssuers refuses products whose issuer cannot be, and warns of those whose
// issuer is not there yet: it can be added while the service runs.
func (s *Service) checkIssuers(ctx context.Context, catalogue chancery.Catalogue, issuers *issuer.Table) error {
	for _, product := range catalogue {
		if _, err := issuers.Find(product.Issuer); err != nil {
			return configError("products", "product %s: %v", product.Code, err)
		}
		if !product.ProvesItself() {
			continue
		}
		err := s.store.Read(ctx, func(tx chancery.Tx) error {
			_, err := tx.ACMEIssuer(product.Issuer)
			return err
		})
		if errors.Is(err, chancery.ErrNotFound) {
			s.log.Warn("a product's issuer is not configured; its orders wait until `chancery issuer add` has done that", "product", product.Code, "issuer", product.Issuer)
			continue
		}
		if err != nil {
			return fmt.Errorf("reading issuer %s: %w", product.Issuer, err)
		}
	}
	return nil
}
