package admin

import (
	"os"
	"strings"
	"testing"

	"chancery/keyring"
)

// theKeyring rotates, which nobody takes to its end here, and rewraps.
func theKeyring(t *testing.T, other string, caller Caller, call func(string) string) {
	t.Helper()
	before := must[Keyring](t, caller, call("keyring.status"), Nothing{})
	var rotated RotatedKeyring
	err := caller.Call(ctx, call("keyring.rotate"), Nothing{}, &rotated)
	if before.Resealing {
		if err == nil || !strings.Contains(err.Error(), "`chancery keyring status`") {
			t.Errorf("%s a rotation during another: %v", other, err)
		}
	} else if err != nil || rotated.Fresh == "" {
		t.Errorf("%s the rotation gave %+v, %v", other, rotated, err)
	}
	after := must[Keyring](t, caller, call("keyring.status"), Nothing{})
	if !after.Resealing || after.Left == 0 || !after.Keys[len(after.Keys)-1].Primary {
		t.Errorf("%s after it the keyring is %+v", other, after)
	}
	must[Nothing](t, caller, call("keyring.rewrap"), NewKEK{string(keyring.NewKey().Reveal())})
	if err := caller.Call(ctx, call("keyring.rewrap"), NewKEK{"chancery-kek-1:short"}, &Nothing{}); err == nil || strings.Contains(err.Error(), "short") {
		t.Errorf("%s rewrapped with no key: %v", other, err)
	}
}

// TestBackupBothWays: a copy made directly and over the socket is whole, and leaves nothing.
func TestBackupBothWays(t *testing.T) {
	i := newInstance(t)
	must[Account](t, i.Admin, "account.create", NewAccount{})
	for name, copier := range map[string]Copier{"directly": i.Admin, "over the socket": i.socket} {
		made, err := copier.Backup(ctx)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		begin := make([]byte, 15)
		if _, err := made.Read(begin); err != nil || string(begin) != "SQLite format 3" || made.Size < 4096 {
			t.Errorf("%s: %q of %d bytes, %v", name, begin, made.Size, err)
		}
		if err := made.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	entries, err := os.ReadDir(i.dataDir)
	for _, entry := range entries {
		if strings.Contains(entry.Name(), "copying") {
			t.Errorf("%s is left", entry.Name())
		}
	}
	if err != nil {
		t.Error(err)
	}
}
