package service

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/store"
)

// databaseName is the SQLite database's file in the data directory.
const databaseName = "chancery.db"

// Restored is what a restore found.
type Restored struct {
	// NewestEntry is of the audit logs: about when the copy was made. Zero where it
	// tells nothing.
	NewestEntry time.Time
	// KeyMissing: there is no key-encryption key yet, so nothing sealed was looked at.
	KeyMissing bool
	Report     store.Report // of the doctor, unless KeyMissing
}

// Restore installs a copy of an SQLite database in a data directory that has none. The
// directory has it whole or not at all, also after a crash.
func Restore(ctx context.Context, c Config, from string, clock chancery.Clock) (restored Restored, err error) {
	if err := os.MkdirAll(c.DataDir, 0o700); err != nil {
		return restored, configError("data-dir", "%v", err)
	}
	target := filepath.Join(c.DataDir, databaseName)
	release, err := store.Lock(target + ".lock")
	if err != nil {
		return restored, fmt.Errorf("%s: %w", c.DataDir, err)
	}
	defer release()
	if _, err := os.Lstat(target); !errors.Is(err, os.ErrNotExist) {
		return restored, errors.Join(fmt.Errorf("%s has a database already; restore into an empty directory, or move that one away first", c.DataDir), err)
	}
	if _, err := os.Stat(from + "-wal"); err == nil {
		return restored, fmt.Errorf("%s-wal lies beside the file: this is a database in use, or a part of one; restore what `chancery backup` made", from)
	}
	staged := target + ".restoring"
	defer func() { err = errors.Join(err, removeStaged(staged)) }()
	if err := stage(from, staged); err != nil {
		return restored, fmt.Errorf("copying %s: %w", from, err)
	}
	if err := store.CheckCopy(ctx, staged); err != nil {
		return restored, fmt.Errorf("%s: %w", from, err)
	}
	opened, err := store.Open(ctx, staged)
	if err != nil {
		return restored, fmt.Errorf("opening the copy: %w", err)
	}
	restored, err = settle(ctx, c, opened, clock)
	if err = errors.Join(err, opened.Close()); err != nil {
		return restored, err
	}
	return restored, install(staged, target)
}

// RestoredPostgres does the same to a database that pg_restore has filled.
func RestoredPostgres(ctx context.Context, c Config, clock chancery.Clock) (restored Restored, err error) {
	opened, err := store.OpenPostgres(ctx, c.Database)
	if err != nil {
		return restored, configError("database", "%w", err)
	}
	defer func() { err = errors.Join(err, opened.Close()) }()
	empty, err := opened.Empty(ctx)
	if err == nil && empty {
		err = errors.New("the database is empty; fill it with pg_restore first")
	}
	if err != nil {
		return restored, err
	}
	return settle(ctx, c, opened, clock)
}

// settle prepares the data for taking the place of newer data, and examines it.
func settle(ctx context.Context, c Config, opened *store.Store, clock chancery.Clock) (restored Restored, err error) {
	if restored.NewestEntry, err = opened.NewestEntry(ctx); err != nil {
		return restored, err
	}
	restored.KeyMissing = !c.HasKey()
	if !restored.KeyMissing {
		if err := unlock(ctx, c, opened); err != nil {
			return restored, err
		}
	}
	if err := opened.Restored(ctx, clock.Now()); err != nil || restored.KeyMissing {
		return restored, err
	}
	operator := &admin.Admin{Store: opened, Clock: clock}
	if err := operator.Restored(ctx); err != nil {
		return restored, err
	}
	restored.Report, err = operator.Doctor(ctx, admin.Nothing{})
	return restored, err
}

// stage copies the file, so that nothing is done to the original.
func stage(from, staged string) error {
	if err := removeStaged(staged); err != nil { // of a restore that was killed
		return err
	}
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	file, err := os.OpenFile(staged, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, source)
	return errors.Join(err, file.Close())
}

// install gives the copy its name once it is on disk.
func install(staged, target string) error {
	file, err := os.Open(staged)
	if err == nil {
		err = errors.Join(file.Sync(), file.Close())
	}
	if err == nil {
		err = os.Rename(staged, target)
	}
	if err != nil {
		return fmt.Errorf("installing the copy: %w", err)
	}
	directory, err := os.Open(filepath.Dir(target))
	if err == nil {
		err = errors.Join(directory.Sync(), directory.Close())
	}
	if err != nil {
		return fmt.Errorf("installing the copy: %w", err)
	}
	return nil
}

// removeStaged removes the copy and what SQLite made beside it.
func removeStaged(staged string) (err error) {
	for _, end := range []string{"", "-wal", "-shm", "-journal", ".lock"} {
		if gone := os.Remove(staged + end); !errors.Is(gone, os.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return err
}
