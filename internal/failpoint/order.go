package failpoint

import (
	"fmt"
	"os"
)

// Action is what happens at a point.
type Action string

// The actions.
const (
	Kill   Action = "kill"   // as by kill -9
	Freeze Action = "freeze" // as by SIGSTOP, until somebody sends SIGCONT
)

// Arm has a process that runs with CHANCERY_FAILPOINT=file act the n-th time from
// now on that it reaches the point.
func Arm(file, point string, n int, action Action) error {
	_ = os.Remove(Acted(file))
	whole := file + ".new" // a point may be reached while we write
	if err := os.WriteFile(whole, fmt.Appendf(nil, "%s %d %s", point, n, action), 0o600); err != nil {
		return fmt.Errorf("arming %s: %w", point, err)
	}
	if err := os.Rename(whole, file); err != nil {
		return fmt.Errorf("arming %s: %w", point, err)
	}
	return nil
}

// Disarm takes back what Arm said, if nobody has acted on it.
func Disarm(file string) { _ = os.Remove(file) }

// Acted is the file that has the id of the process that acted, once one has.
func Acted(file string) string { return file + ".acted" }
