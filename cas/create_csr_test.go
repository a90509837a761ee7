package cas

import (
	"context"
	"errors"
	"testing"

	"chancery"
)

// A caller who leaves while others' keys are being made waits no longer.
func TestMakeKeyEndsWithItsCaller(t *testing.T) {
	for range cap(makers) {
		makers <- struct{}{}
	}
	defer func() {
		for range cap(makers) {
			<-makers
		}
	}()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := makeKey(ctx, chancery.ECC256)
	if chancery.CodeOf(err) != chancery.ServiceUnavailable || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMakeKeyFails(t *testing.T) {
	if _, err := makeKey(context.Background(), "none"); chancery.CodeOf(err) != chancery.CreateCsrFailed {
		t.Errorf("got %v", err)
	}
}
