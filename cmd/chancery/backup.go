package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"chancery"
	"chancery/admin"
	"chancery/internal/service"
	"chancery/store"
)

func backupCommand() *cobra.Command {
	o := &operatorFlags{}
	var force bool
	backup := &cobra.Command{
		Use: "backup FILE", GroupID: "operator", Args: cobra.ExactArgs(1),
		Short: "Copy the database into a file, also while the service runs",
		Long: `Copy the database into a file of mode 0600, as it is at one moment, also while
the service runs. The data directory needs as much free room as the database has
meanwhile.

The copy has every secret in sealed form alone. The key-encryption key is not in
it: keep that apart, since the copy is worth nothing without it and gives away
every secret with it. "chancery restore" installs the copy.

With PostgreSQL, pg_dump makes the copy; the command says how.`,
		Example: "  chancery backup /var/backups/chancery-2026-11-26.db\n  chancery backup --force latest.db",
		RunE: func(command *cobra.Command, args []string) error {
			return o.with(command, func(caller admin.Caller) error {
				return saveBackup(command, o, caller, args[0], force)
			})
		},
	}
	o.add(backup)
	backup.Flags().BoolVar(&force, "force", false, "replace a file that exists")
	return backup
}

func saveBackup(command *cobra.Command, o *operatorFlags, caller admin.Caller, path string, force bool) (err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return fmt.Errorf("%s exists; name another file, or replace it with --force", path)
	}
	copier, ok := caller.(admin.Copier)
	if !ok {
		return errors.New("no copy can be made this way")
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".chancery-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	size, err := fill(command, file, copier)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return err
	}
	if err := syncDirectory(filepath.Dir(path)); err != nil {
		return err
	}
	if o.output.data() {
		return show(command, o, map[string]any{"file": path, "bytes": size}, "", nil)
	}
	_, err = fmt.Fprintf(command.OutOrStdout(), `%s is a copy of the database (%s).
The key-encryption key is not in it. Without that key nothing in it can be opened:
keep a copy of the key (--keyring-key-file, keyring.key in the data directory, or
CHANCERY_KEYRING_KEY) apart from it.
`, path, megabytes(size))
	return err
}

// fill reads a copy into the file and gives its size.
func fill(command *cobra.Command, file *os.File, copier admin.Copier) (int64, error) {
	made, err := copier.Backup(command.Context())
	if err != nil {
		return 0, err
	}
	defer func() { _ = made.Close() }()
	p := &copying{of: made.Size, line: newLine(command.ErrOrStderr())}
	defer p.line.clear()
	size, err := io.Copy(io.MultiWriter(file, p), made)
	if err == nil && size != made.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return size, fmt.Errorf("reading the copy: %w", err)
	}
	return size, nil
}

// copying shows how far a copy is, on a terminal.
type copying struct {
	line     line
	done, of int64
}

// Write implements io.Writer.
func (c *copying) Write(b []byte) (int, error) {
	c.done += int64(len(b))
	c.line.set(fmt.Sprintf("%s of %s", megabytes(c.done), megabytes(c.of)))
	return len(b), nil
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}

func restoreCommand() *cobra.Command {
	o := &operatorFlags{}
	restore := &cobra.Command{
		Use: "restore [FILE]", GroupID: "operator", Args: cobra.MaximumNArgs(1),
		Short: "Install a copy of the database in an empty data directory",
		Long: `Install a copy that "chancery backup" made in a data directory that has no
database: check it, have the CRLs that come next numbered above any that were
published before, refuse requests from before now, and run the doctor. Put the
key-encryption key in its place first, so that everything can be opened.

With --database it takes no file: it does the rest to a database that pg_restore
has filled, while no node runs.

What was done after the copy was made is not in it: the command says what that
means.`,
		Example: `  chancery restore /var/backups/chancery-2026-11-26.db --data-dir /var/lib/chancery
  chancery restore --database postgres://chancery@db.example.com/restored --keyring-key-file /etc/chancery/keyring.key`,
		RunE: func(command *cobra.Command, args []string) error {
			if err := configure(command, ""); err != nil {
				return usageError{err, hint(command)}
			}
			config := service.Config{DataDir: o.dataDir, Database: o.database, KeyFile: o.keyFile}
			if err := config.TakeKey(); err != nil {
				return usageError{err, hint(command)}
			}
			restored, err := restoreFrom(command.Context(), config, args)
			if err != nil {
				return err
			}
			return showRestored(command, o, config, restored)
		},
	}
	o.add(restore)
	return restore
}

func restoreFrom(ctx context.Context, config service.Config, args []string) (service.Restored, error) {
	switch {
	case config.Database != "" && len(args) > 0:
		return service.Restored{}, usageError{errors.New("with --database there is no FILE: `pg_restore --exit-on-error --no-owner --dbname=DATABASE FILE` fills the empty database, and then this command does the rest"), "restore "}
	case config.Database != "":
		return service.RestoredPostgres(ctx, config, chancery.SystemClock{})
	case len(args) == 0:
		return service.Restored{}, usageError{errors.New("name the FILE that `chancery backup` made"), "restore "}
	}
	_, running, err := admin.Dial(ctx, config.DataDir)
	if err == nil && running {
		err = fmt.Errorf("a service runs on %s; restore into another directory, or stop it and move its database away first", config.DataDir)
	}
	if err != nil {
		return service.Restored{}, err
	}
	return service.Restore(ctx, config, args[0], chancery.SystemClock{})
}

func showRestored(command *cobra.Command, o *operatorFlags, config service.Config, restored service.Restored) error {
	if o.output.data() {
		if err := show(command, o, map[string]any{
			"newestEntry": restored.NewestEntry, "keyMissing": restored.KeyMissing, "doctor": restored.Report,
		}, "", nil); err != nil {
			return err
		}
		return unsound(restored.Report)
	}
	out := command.OutOrStdout()
	asOf := "its time is unknown"
	if !restored.NewestEntry.IsZero() {
		asOf = "its newest audit line is of " + restored.NewestEntry.Format(time.RFC3339)
	}
	_, _ = fmt.Fprintf(out, "The data is restored; %s.\n", asOf)
	if restored.KeyMissing {
		_, _ = fmt.Fprintf(out, "\nThere is no key-encryption key in %s, so nothing sealed was opened. Put the key\nthere, and run `chancery doctor` before `chancery serve`.\n", config.KeySource())
	} else if len(restored.Report.Problems) == 0 {
		_, _ = fmt.Fprintf(out, "clean: %d invariants hold, %d sealed values and certificates opened\n", restored.Report.Checks, restored.Report.Rows)
	}
	_, _ = fmt.Fprint(out, `
What was done after the copy was made is lost:

  - Certificates issued since are good, and unknown here: this CA cannot revoke
    them, and answers "unknown" when OCSP asks. Have them replaced.
  - Revocations since are undone: revoke those certificates again.
  - Orders, keys, users and policies are as they were. What was withdrawn or
    disabled since is back; look at access keys and sessions in particular.

The next CRLs are numbered above all that were published before. Requests signed
before now are refused. Start the service with `+"`chancery serve`"+`.
`)
	if len(restored.Report.Problems) > 0 {
		return showProblems(command, o, restored.Report)
	}
	return nil
}

func unsound(report store.Report) error {
	if len(report.Problems) == 0 {
		return nil
	}
	return fmt.Errorf("the data is not sound; problems found: %d", len(report.Problems))
}

func showProblems(command *cobra.Command, o *operatorFlags, report store.Report) error {
	var rows [][]string
	for _, p := range report.Problems {
		rows = append(rows, []string{p.Row, "breaks: " + p.Invariant})
	}
	return errors.Join(show(command, o, report, "ROW PROBLEM", rows), unsound(report))
}
