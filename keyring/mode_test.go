package keyring

import (
	"io/fs"
	"testing"
)

func TestForbiddenModes(t *testing.T) {
	const root, service = 0, 65532
	for _, c := range []struct {
		rootOwns bool
		reader   int
		mode     fs.FileMode
		fine     bool
	}{
		{true, root, 0o600, true},
		{true, root, 0o440, false}, // nobody needs its group
		{true, service, 0o440, true},
		{true, service, 0o640, true},
		{true, service, 0o660, false},
		{true, service, 0o444, false},
		{false, service, 0o600, true},
		{false, service, 0o640, false},
	} {
		if fine := c.mode&forbidden(c.rootOwns, c.reader) == 0; fine != c.fine {
			t.Errorf("root's %v, read by %d with mode %#o: %v", c.rootOwns, c.reader, c.mode, fine)
		}
	}
}
