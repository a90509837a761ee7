package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"chancery/admin"
	"chancery/keyring"
)

func keyringCommand() *cobra.Command {
	o := &operatorFlags{}
	command := &cobra.Command{
		Use: "keyring", GroupID: "operator", Short: "Rotate the keys that secrets are sealed with",
		Long: `Secrets are sealed with the keys of the keyring, which is in the database, wrapped
with the key-encryption key, which is not: that is in a file (--keyring-key-file,
or one made in the data directory) or in the environment variable
CHANCERY_KEYRING_KEY, the same on all nodes.

  rotate    a fresh key in the keyring, and every secret sealed anew
  rewrap    another key-encryption key
  new-key   make a key-encryption key, to hand it to the nodes`,
		Example: `  chancery keyring status
  chancery keyring rotate`,
	}
	o.add(command)
	command.AddCommand(keyringStatusCommand(o), keyringRotateCommand(o), keyringRewrapCommand(o), keyringNewKeyCommand())
	return command
}

func keyringStatusCommand(o *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use: "status", Args: cobra.NoArgs,
		Short: "Show the keys of the keyring, and how many values are sealed with each",
		Long: `Show the keys of the keyring by id, since when each is there, and how many values
are sealed with it: secrets, and the ends of audit logs. It counts all of them.`,
		Example: "  chancery keyring status",
		RunE: func(command *cobra.Command, _ []string) error {
			status, err := call[admin.Keyring](command, o, "keyring.status", admin.Nothing{})
			if err != nil {
				return err
			}
			if err := showKeys(command, o, status); err != nil || o.output.data() {
				return err
			}
			return tellResealing(command, status)
		},
	}
}

func showKeys(command *cobra.Command, o *operatorFlags, status admin.Keyring) error {
	var rows [][]string
	for _, key := range status.Keys {
		state, added := "primary", "-"
		if !key.Primary {
			state = "old since " + instant(*key.RetiredAt)
		}
		if key.AddedAt != nil {
			added = instant(*key.AddedAt)
		}
		rows = append(rows, []string{key.ID, added, fmt.Sprint(key.Values), state})
	}
	return show(command, o, status, "KEY ADDED VALUES STATE", rows)
}

func tellResealing(command *cobra.Command, status admin.Keyring) (err error) {
	out := command.OutOrStdout()
	switch {
	case status.Resealing && status.Problem != "":
		_, err = fmt.Fprintf(out, "Values are being sealed anew; left: %d. Attempt %d failed: %s\n", status.Left, status.Attempts, status.Problem)
	case status.Resealing:
		_, err = fmt.Fprintf(out, "Values are being sealed anew; left: %d.\n", status.Left)
	case status.Left > 0:
		_, err = fmt.Fprintf(out, "Sealed with an old key: %d. The next rotation seals them anew; those that do not open are named by `chancery doctor`.\n", status.Left)
	case status.Unknown > 0:
	case len(status.Keys) > 1:
		_, err = fmt.Fprintln(out, "Everything is sealed with the primary key; the next rotation drops the old ones.")
	}
	if err == nil && status.Unknown > 0 {
		_, err = fmt.Fprintf(out, "Sealed with none of the keys: %d; `chancery doctor` names them.\n", status.Unknown)
	}
	return err
}

func keyringRotateCommand(o *operatorFlags) *cobra.Command {
	return &cobra.Command{
		Use: "rotate", Args: cobra.NoArgs,
		Short: "Put a fresh key into the keyring and seal every secret anew",
		Long: `Put a fresh key into the keyring: secrets are sealed with it from now on, and all
others are sealed anew in the background while the service runs. Old keys stay in
the keyring, so that everything can be read at any time; a later rotation drops
those with which nothing is sealed any more.

All nodes must be of a version that has this command before the first rotation,
and have the current key-encryption key after a rewrap.`,
		Example: "  chancery keyring rotate\n  chancery keyring status",
		RunE: func(command *cobra.Command, _ []string) error {
			done, err := call[admin.RotatedKeyring](command, o, "keyring.rotate", admin.Nothing{})
			if err != nil {
				return err
			}
			if o.output.data() {
				return show(command, o, done, "", nil)
			}
			out := command.OutOrStdout()
			_, _ = fmt.Fprintf(out, "Key %s is the primary now; everything is being sealed anew with it, while the service runs.\n", done.Fresh)
			for _, key := range done.Dropped {
				_, _ = fmt.Fprintf(out, "Key %s was dropped: nothing is sealed with it.\n", key)
			}
			_, err = fmt.Fprintln(out, "`chancery keyring status` shows how far that is.")
			return err
		},
	}
}

func keyringRewrapCommand(o *operatorFlags) *cobra.Command {
	var file string
	rewrap := &cobra.Command{
		Use: "rewrap", Args: cobra.NoArgs,
		Short: "Wrap the keyring with another key-encryption key",
		Long: `Wrap the keyring with another key-encryption key, one that "keyring new-key" made.
Running nodes go on with what they have. A node that starts needs the new key
from now on, and does not start with the old one: put the new one in its place on
every node before the next rotation. Keep the old one as long as backups from
before are kept: they open with it alone.`,
		Example: `  chancery keyring new-key new.key
  chancery keyring rewrap --new-key-file new.key`,
		RunE: func(command *cobra.Command, _ []string) error {
			if file == "" {
				return usageError{errors.New("--new-key-file is missing; `chancery keyring new-key` makes one"), hint(command)}
			}
			if _, err := keyring.ReadKeyFile(file); err != nil {
				return fmt.Errorf("--new-key-file: %w", err)
			}
			line, err := os.ReadFile(file)
			if err != nil {
				return fmt.Errorf("--new-key-file: %w", err)
			}
			if _, err := call[admin.Nothing](command, o, "keyring.rewrap", admin.NewKEK{Key: string(line)}); err != nil {
				return err
			}
			_, err = fmt.Fprintf(command.OutOrStdout(), `The keyring is wrapped with the key in %s. Now, on every node:

  1. put that key where the old one is: over the file of --keyring-key-file (or
     keyring.key in the data directory), or into CHANCERY_KEYRING_KEY;
  2. restart the node if it has the key from the environment. One that reads a
     file goes on, and reads the file again when it needs it.

A node that is started with the old key refuses. Do all of them before the next
"keyring rotate". Backups from before need the old key: keep it as long as them.
`, file)
			return err
		},
	}
	rewrap.Flags().StringVar(&file, "new-key-file", "", "file with the new key-encryption key (required)")
	return rewrap
}

func keyringNewKeyCommand() *cobra.Command {
	return &cobra.Command{
		Use: "new-key [FILE]", Args: cobra.MaximumNArgs(1),
		Short: "Make a key-encryption key, in a file or on standard output",
		Long: `Make a random key-encryption key: one line. In a file it is readable by the owner
alone, and a file that exists is left as it is. Without a file the line goes to
standard output, for a store of secrets that hands it to the nodes as
CHANCERY_KEYRING_KEY. Nothing in a service changes by this.`,
		Example: `  chancery keyring new-key /etc/chancery/keyring.key
  chancery keyring new-key | kubectl create secret generic chancery --from-file=keyring-key=/dev/stdin`,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				_, err := command.OutOrStdout().Write(keyring.NewKey().Reveal())
				return err
			}
			if err := keyring.CreateKeyFile(args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(command.OutOrStdout(), "%s holds a new key-encryption key. Keep a copy apart from the data: without it nothing can be read.\n", args[0])
			return err
		},
	}
}
