package storetest

import (
	"context"
	"errors"
	"testing"

	"chancery"
)

var transactions = []promise{
	{"a write that returns nil is kept", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		got := answer(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account) })
		same(t, "the account", got, chancery.Account{ID: account, Name: "tenant", CreatedAt: start})
	}},
	{"a write that returns an error leaves nothing, and the error comes back as it is", aFailedWriteLeavesNothing},
	{"a write sees what it wrote itself", func(t *testing.T, s chancery.Store) {
		account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
		write(t, s, func(tx chancery.Tx) error {
			if err := tx.AddAccount(account); err != nil {
				return err
			}
			_, err := tx.Account(account.ID)
			return err
		})
	}},
	{"a read sees every write that returned before it began", func(t *testing.T, s chancery.Store) {
		errs := atOnce(8, func(int) error {
			for range 10 {
				account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
				if err := s.Write(context.Background(), func(tx chancery.Tx) error { return tx.AddAccount(account) }); err != nil {
					return err
				}
				if _, err := answerOrError(s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account.ID) }); err != nil {
					return err
				}
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}},
	{"a read sees one state while others write", aReadSeesOneState},
	{"a read sees a write whole or not at all", aReadNeverSeesHalfAWrite},
	{"a read changes nothing", func(t *testing.T, s chancery.Store) {
		account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
		for _, ctx := range []context.Context{context.Background(), chancery.Glance(context.Background())} {
			// Whether the attempt is an error is the engine's affair.
			_ = s.Read(ctx, func(tx chancery.Tx) error {
				_ = tx.AddAccount(account)
				return nil
			})
			missing(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account.ID) })
		}
	}},
	{"a glance sees what was committed before each of its methods", func(t *testing.T, s chancery.Store) {
		account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
		err := s.Read(chancery.Glance(context.Background()), func(tx chancery.Tx) error {
			if _, err := tx.Account(account.ID); !errors.Is(err, chancery.ErrNotFound) {
				t.Errorf("before it is there: %v", err)
			}
			write(t, s, func(tx chancery.Tx) error { return tx.AddAccount(account) })
			_, err := tx.Account(account.ID)
			return err
		})
		if err != nil {
			t.Errorf("when it is there: %v", err)
		}
	}},
	{"a read's error comes back as it is", func(t *testing.T, s chancery.Store) {
		mine := errors.New("mine")
		if err := s.Read(context.Background(), func(chancery.Tx) error { return mine }); err != mine { //nolint:errorlint // the very same
			t.Errorf("Read gave %v", err)
		}
	}},
	{"writes that look before they write are as if one came after another", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		whatIsLookedUpFirstIsMadeOnce(t, s, account, func(int) context.Context { return context.Background() })
	}},
	{"so are writes that keep to an account, beside those that do not", func(t *testing.T, s chancery.Store) {
		account := newAccount(t, s)
		whatIsLookedUpFirstIsMadeOnce(t, s, account, func(i int) context.Context {
			if i%8 == 0 {
				return context.Background()
			}
			return chancery.Confine(context.Background(), account)
		})
	}},
	{"a context that has ended begins nothing", aContextThatHasEndedBeginsNothing},
}

func aFailedWriteLeavesNothing(t *testing.T, s chancery.Store) {
	mine := errors.New("mine")
	account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
	err := s.Write(context.Background(), func(tx chancery.Tx) error {
		if err := tx.AddAccount(account); err != nil {
			return err
		}
		return mine
	})
	if err != mine { //nolint:errorlint // the very same
		t.Errorf("Write gave %v", err)
	}
	missing(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account.ID) })
}

func aReadSeesOneState(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	plan := chancery.Plan{AccountID: account, ProductCode: product, Total: 1, GrantedAt: start}
	var before, after []chancery.Plan
	err := s.Read(context.Background(), func(tx chancery.Tx) (err error) {
		if before, err = tx.Plans(account); err != nil {
			return err
		}
		written := make(chan error)
		go func() {
			written <- s.Write(context.Background(), func(tx chancery.Tx) error {
				_, err := tx.AddPlan(plan)
				return err
			})
		}()
		if err := <-written; err != nil {
			return err
		}
		after, err = tx.Plans(account)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(before) != 0 || len(after) != 0 {
		t.Errorf("the read saw %d plans, then %d", len(before), len(after))
	}
}

// aReadNeverSeesHalfAWrite has writers add plans two at a time.
func aReadNeverSeesHalfAWrite(t *testing.T, s chancery.Store) {
	account := newAccount(t, s)
	const writers, readers, pairs = 4, 4, 20
	errs := atOnce(writers+readers, func(i int) error {
		for range pairs {
			if i < writers {
				if err := s.Write(context.Background(), func(tx chancery.Tx) error { return addTwoPlans(tx, account) }); err != nil {
					return err
				}
				continue
			}
			plans, err := answerOrError(s, func(tx chancery.Tx) ([]chancery.Plan, error) { return tx.Plans(account) })
			if err != nil {
				return err
			}
			if len(plans)%2 != 0 {
				return errors.New("half a write was seen")
			}
		}
		return nil
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func addTwoPlans(tx chancery.Tx, account chancery.AccountID) error {
	for range 2 {
		if _, err := tx.AddPlan(chancery.Plan{AccountID: account, ProductCode: product, Total: 1, GrantedAt: start}); err != nil {
			return err
		}
	}
	return nil
}

// whatIsLookedUpFirstIsMadeOnce is how an application sent twice takes one unit.
func whatIsLookedUpFirstIsMadeOnce(t *testing.T, s chancery.Store, account chancery.AccountID, under func(call int) context.Context) {
	t.Helper()
	grant(t, s, chancery.Plan{AccountID: account, Total: 100})
	const calls = 32
	answers := make([]chancery.OrderID, calls)
	errs := atOnce(calls, func(i int) error {
		return s.Write(under(i), func(tx chancery.Tx) (err error) {
			answers[i], err = openUnlessSubmitted(tx, account)
			return err
		})
	})
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, order := range answers {
		if order != answers[0] {
			t.Fatalf("the same application was answered with the orders %v", answers)
		}
	}
	if ledger := answer(t, s, func(tx chancery.Tx) ([]chancery.LedgerLine, error) { return tx.Ledger(account) }); len(ledger) != 1 {
		t.Errorf("%d units were taken", len(ledger))
	}
}

func openUnlessSubmitted(tx chancery.Tx, account chancery.AccountID) (chancery.OrderID, error) {
	key := []byte("key")
	known, err := tx.Submission(account, key, start)
	if !errors.Is(err, chancery.ErrNotFound) {
		return known.OrderID, err
	}
	order, err := open(tx, draft(account), start)
	if err != nil {
		return 0, err
	}
	return order.ID, tx.PutSubmission(chancery.Submission{
		AccountID: account, Key: key, Content: key, OrderID: order.ID, CreatedAt: start, ExpiresAt: at(2),
	})
}

func aContextThatHasEndedBeginsNothing(t *testing.T, s chancery.Store) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	for range 20 { // an engine that draws lots between starting and giving up is found out
		newAccount(t, s) // it is awake
		account := chancery.Account{ID: chancery.NewAccountID(), CreatedAt: start}
		if err := s.Write(ctx, func(tx chancery.Tx) error { return tx.AddAccount(account) }); !errors.Is(err, context.Canceled) {
			t.Errorf("Write gave %v", err)
		}
		missing(t, s, func(tx chancery.Tx) (chancery.Account, error) { return tx.Account(account.ID) })
		if err := s.Read(ctx, func(chancery.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Read gave %v", err)
		}
	}
}
