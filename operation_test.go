package chancery

import (
	"context"
	"errors"
	"reflect"
	"testing"
)

func TestABoundOperation(t *testing.T) {
	type in struct{ Name string }
	type out struct{ Greeting string }
	mine := errors.New("mine")
	row := Bind("Greet", AccessGet, "Greets.", func(_ context.Context, caller Caller, i *in) (*out, error) {
		if i.Name == "" {
			return &out{"half done"}, mine
		}
		return &out{i.Name + " of " + caller.AccessKeyID}, nil
	})
	if row.Name != "Greet" || row.Access != AccessGet || row.Summary != "Greets." || row.Input != (in{}) || row.Output != (out{}) {
		t.Errorf("the row is %+v", row)
	}
	first, second := row.NewInput(), row.NewInput()
	if first == second || !reflect.DeepEqual(first, &in{}) {
		t.Error("inputs are not fresh")
	}
	got, err := row.Do(context.Background(), Caller{AccessKeyID: "key"}, &in{"Ada"})
	if err != nil || !reflect.DeepEqual(got, &out{"Ada of key"}) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := row.Do(context.Background(), Caller{}, first); got != nil || !errors.Is(err, mine) {
		t.Errorf("an operation that fails gives %v, %v", got, err)
	}
	for _, wrong := range []any{nil, in{}, &out{}, "x"} {
		if got, err := row.Do(context.Background(), Caller{}, wrong); got != nil || CodeOf(err) != InternalError {
			t.Errorf("the input %T gives %v, %v", wrong, got, err)
		}
	}
}
