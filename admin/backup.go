package admin

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// Copy is a consistent copy of the database, to be read to its end and closed.
type Copy struct {
	io.ReadCloser
	Size int64
}

// Copier gives a copy of an instance's database: directly (*Admin) or through its
// socket (*Socket).
type Copier interface {
	Backup(ctx context.Context) (Copy, error)
}

// Backup makes a copy of the database while others read and write. Every account's audit
// log gets a line of it, which the copy has, too.
func (a *Admin) Backup(ctx context.Context) (Copy, error) {
	if err := a.Store.CanCopy(); err != nil {
		return Copy{}, err
	}
	if err := a.recordEverywhere(ctx, "Backup", ""); err != nil {
		return Copy{}, err
	}
	file, err := a.Store.Copy(ctx)
	if err != nil {
		return Copy{}, err
	}
	info, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return Copy{}, fmt.Errorf("looking at the copy: %w", err)
	}
	return Copy{file, info.Size()}, nil
}

// backupPath is where the socket gives a copy.
const backupPath = "backup"

// serveBackup has no time limit: a large copy takes as long as it takes.
func (a *Admin) serveBackup(w http.ResponseWriter, r *http.Request) {
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	made, err := a.Backup(r.Context())
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	defer func() { _ = made.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.FormatInt(made.Size, 10))
	_, _ = io.Copy(w, made) // who reads sees that bytes are missing
}

// Backup implements Copier over the socket.
func (s *Socket) Backup(ctx context.Context) (Copy, error) {
	response, err := s.post(ctx, backupPath, nil) //nolint:bodyclose // who reads the copy closes it
	if err != nil {
		return Copy{}, err
	}
	return Copy{response.Body, response.ContentLength}, nil
}

// Restored records that the data was restored from a copy, in every account's audit log.
func (a *Admin) Restored(ctx context.Context) error { return a.recordEverywhere(ctx, "Restore", "") }
