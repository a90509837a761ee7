package work

import (
	"context"
	"errors"
	"fmt"

	"chancery"
	"chancery/internal/failpoint"
)

// prepareKey makes key and CSR for an order while the applicant publishes the
// proof, where that takes long.
func (w *Worker) prepareKey(ctx context.Context, step chancery.Step) error {
	var order chancery.Order
	err := w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) (err error) {
		order, err = tx.Order(step.AccountID, step.OrderID)
		return err
	})
	if err != nil && !errors.Is(err, chancery.ErrNotFound) {
		return fmt.Errorf("loading order %d: %w", step.OrderID, err)
	}
	if err == nil && order.Open() && order.MakesKey() {
		if _, err := w.orderKey(ctx, order); err != nil {
			return err
		}
	}
	return w.finish(ctx, step)
}

// orderKey gives the order's key, making it if there is none yet. Both steps of
// an order may come here at once; the first to store its key wins.
func (w *Worker) orderKey(ctx context.Context, order chancery.Order) (chancery.OrderKey, error) {
	stored, err := w.storedKey(ctx, order)
	if !errors.Is(err, chancery.ErrNotFound) {
		return stored, err
	}
	product, err := w.Catalogue.Find(order.ProductCode)
	if err != nil {
		return chancery.OrderKey{}, fmt.Errorf("making a key for order %d: %w", order.ID, err)
	}
	kept, err := w.keepKey(ctx, order, func(tx chancery.Tx) (chancery.Secret, []byte, error) {
		return takeReadyKey(tx, product.KeyAlgorithm, order.Names)
	})
	if errors.Is(err, chancery.ErrNotFound) { // none is ready
		kept, err = w.makeKey(ctx, order, product.KeyAlgorithm)
	}
	if errors.Is(err, chancery.ErrConflict) {
		if stored, err = w.storedKey(ctx, order); errors.Is(err, chancery.ErrNotFound) {
			err = chancery.ErrConflict // nobody was first: the order was withdrawn
		}
		return stored, err
	}
	if err != nil {
		return chancery.OrderKey{}, fmt.Errorf("giving order %d its key: %w", order.ID, err)
	}
	failpoint.Hit("key.committed")
	return kept, nil
}

// keepKey stores the key and CSR that from gives as the order's. It is ErrConflict when
// the order has a key, or is no longer open.
func (w *Worker) keepKey(ctx context.Context, order chancery.Order, from func(chancery.Tx) (chancery.Secret, []byte, error)) (kept chancery.OrderKey, err error) {
	err = w.Store.Write(ctx, func(tx chancery.Tx) error {
		// A withdrawn order must not get a key that nobody would remove.
		if now, err := tx.Order(order.AccountID, order.ID); err != nil || !now.Open() {
			return chancery.ErrConflict
		}
		key, csr, err := from(tx)
		if err != nil {
			return err
		}
		kept = chancery.OrderKey{OrderID: order.ID, AccountID: order.AccountID, Key: key, CSR: csr, CreatedAt: w.Clock.Now()}
		if err := tx.AddOrderKey(kept); err != nil {
			return err
		}
		failpoint.Hit("key.before-commit")
		return nil
	})
	return kept, err
}

// takeReadyKey takes a key that was made ahead in the transaction that makes it an order's,
// so that it is neither used twice nor lost. The CSR is signed there as well, which takes a
// hundredth of what the key took.
func takeReadyKey(tx chancery.Tx, algorithm chancery.KeyAlgorithm, names chancery.Names) (chancery.Secret, []byte, error) {
	if algorithm.QuickToMake() {
		return chancery.Secret{}, nil, chancery.ErrNotFound
	}
	ready, err := tx.TakeReadyKey(algorithm)
	if err != nil {
		return chancery.Secret{}, nil, err
	}
	signer, err := chancery.ParsePrivateKey(string(ready.Key.Reveal()))
	if err != nil {
		return chancery.Secret{}, nil, fmt.Errorf("reading ready key %d: %w", ready.ID, err)
	}
	return chancery.NewKeyAndCSR(signer, names)
}

// quickKey makes the key of an order that was just proved, to be stored together with
// that, where it takes next to no time; nil where the applicant has the key, or
// orderKey will make it.
func (w *Worker) quickKey(order chancery.Order) (*chancery.OrderKey, error) {
	if !order.MakesKey() {
		return nil, nil
	}
	product, err := w.Catalogue.Find(order.ProductCode)
	if err != nil || !product.KeyAlgorithm.QuickToMake() {
		return nil, nil //nolint:nilerr // issuing will say so
	}
	key, csr, err := w.newKey(product.KeyAlgorithm, order.Names)
	if err != nil {
		return nil, fmt.Errorf("making a key for order %d: %w", order.ID, err)
	}
	return &chancery.OrderKey{OrderID: order.ID, AccountID: order.AccountID, Key: key, CSR: csr, CreatedAt: w.Clock.Now()}, nil
}

func (w *Worker) storedKey(ctx context.Context, order chancery.Order) (key chancery.OrderKey, err error) {
	err = w.Store.Read(chancery.Glance(ctx), func(tx chancery.Tx) error {
		key, err = tx.OrderKey(order.AccountID, order.ID)
		return err
	})
	return key, err
}

// makeKey makes the order's key; of those that take long only a few at once, so that a
// burst of orders does not take every processor from requests.
func (w *Worker) makeKey(ctx context.Context, order chancery.Order, algorithm chancery.KeyAlgorithm) (chancery.OrderKey, error) {
	if !algorithm.QuickToMake() {
		select {
		case w.makers <- struct{}{}:
			defer func() { <-w.makers }()
		case <-ctx.Done():
			return chancery.OrderKey{}, ctx.Err()
		}
		// The order's other step may have been here while this one waited for its turn.
		if stored, err := w.storedKey(ctx, order); !errors.Is(err, chancery.ErrNotFound) {
			return stored, err
		}
	}
	key, csr, err := w.newKey(algorithm, order.Names)
	if err != nil {
		return chancery.OrderKey{}, err
	}
	return w.keepKey(ctx, order, func(chancery.Tx) (chancery.Secret, []byte, error) { return key, csr, nil })
}

func (w *Worker) newKey(algorithm chancery.KeyAlgorithm, names chancery.Names) (chancery.Secret, []byte, error) {
	signer, err := chancery.GenerateKey(algorithm)
	if err != nil {
		return chancery.Secret{}, nil, err
	}
	w.Metrics.madeKey(algorithm, "order")
	return chancery.NewKeyAndCSR(signer, names)
}
