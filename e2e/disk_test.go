package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // a tablespace is made past the program

	"chancery"
	"chancery/internal/pgtest"
	"chancery/keyring"
)

// smallDisk mounts a file system of so many MiB, which the test needs the right to do.
// A long run needs more, for what it stores and for SQLite's log, which is not cut short
// while the doctor reads.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	if torture {
		size *= 24
	}
	dir, err := os.MkdirTemp("", "chancery-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	err = syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm,mode=0711", size))
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("mounting a small file system needs root (CAP_SYS_ADMIN), which this machine does not give")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Errorf("unmounting %s: %v", dir, err)
		}
	})
	return dir
}

// filler takes the room of a disk.
type filler struct{ disk, name string }

// fill leaves so many bytes.
func (f filler) fill(t *testing.T, leave int64) {
	t.Helper()
	var room syscall.Statfs_t
	if err := syscall.Statfs(f.disk, &room); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(f.name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	free := int64(room.Bavail) * room.Bsize
	block := make([]byte, 4096)
	for written := int64(0); written+leave < free; written += int64(len(block)) {
		if _, err := file.Write(block); err != nil {
			break // somebody else had the last of it
		}
	}
}

// giveBack makes room, which must be some: else the disk is full of what the service stores.
func (f filler) giveBack(t *testing.T) {
	t.Helper()
	const least = 4 << 20
	info, err := os.Stat(f.name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(f.name); err != nil {
		t.Fatal(err)
	}
	if info.Size() < least {
		t.Fatalf("the disk is too small for this test: the service itself has all but %d KiB of it", info.Size()>>10)
	}
}

// The disk is full at one moment of a write after another. Callers get a 503 with a hint
// when to try again; nothing is torn; and when there is room, everything goes on
// without a restart.
func TestDiskIsFull(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 12)
	s := newService(t, "--products", file(t, "products.json", lightProducts), "--rates", "off")
	s.dir = filepath.Join(disk, "data")
	s.set("--data-dir", s.dir)
	s.launch(t)
	s.key = s.readCredentials(t, s.credentials())
	survivesFullDisk(t, s, disk)
}

// The same with PostgreSQL, whose tables are on the small disk.
func TestDiskOfPostgreSQLIsFull(t *testing.T) {
	t.Parallel()
	server := pgtest.Own(t) // whose checkpoints fail meanwhile
	disk := smallDisk(t, 32)
	space := filepath.Join(disk, "space")
	if err := os.Mkdir(space, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := server.Give(space); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("pgx", server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = db.Close() }()
	run := func(statement string) {
		t.Helper()
		if _, err := db.ExecContext(soon(t), statement); err != nil {
			t.Fatal(err)
		}
	}
	run("CREATE TABLESPACE small LOCATION '" + space + "'")
	run("CREATE DATABASE full_disk TEMPLATE template0 TABLESPACE small")
	key := filepath.Join(t.TempDir(), "keyring.key")
	if err := keyring.CreateKeyFile(key); err != nil {
		t.Fatal(err)
	}
	shared := []string{"--database", server.URL("full_disk"), "--keyring-key-file", key}
	s := newService(t, append([]string{"--products", file(t, "products.json", lightProducts), "--rates", "off"}, shared...)...)
	s.operator = shared
	s.launch(t)
	s.key = s.readCredentials(t, s.credentials())
	survivesFullDisk(t, s, disk)
	run("DROP DATABASE full_disk WITH (FORCE)")
	run("DROP TABLESPACE small")
}

// survivesFullDisk fills the disk again and again, with another bit of room left each time.
func survivesFullDisk(t *testing.T, s *service, disk string) {
	t.Helper()
	fills := []int64{0, 4, 16, 64, 128, 256, 512, 1024}
	if torture {
		for kib := int64(2); kib < 400; kib += 4 {
			fills = append(fills, kib)
		}
	}
	who := s.tenant(t, "single", 100_000)
	var acknowledged []int64
	refused := 0
	for round, kib := range fills {
		rest := filler{disk, filepath.Join(disk, "filler")}
		rest.fill(t, kib<<10)
		before := refused
		for i := 0; refused < before+20 && i < 2000; i++ {
			if i%100 == 99 && refused == before {
				rest.fill(t, kib<<10) // SQLite's log was cut short meanwhile
			}
			answer := s.create(t, who, fmt.Sprintf("f%d-%d.full.test", round, i))
			if answer.status == 200 {
				acknowledged = append(acknowledged, answer.OrderId)
				continue
			}
			refused++
			if answer.status != 503 || answer.Code != string(chancery.ServiceUnavailable) || answer.header.Get("Retry-After") == "" ||
				strings.Contains(string(answer.body), "SQL") || strings.Contains(string(answer.body), disk) {
				t.Fatalf("on a full disk the answer is %d %v %s", answer.status, answer.header, answer.body)
			}
		}
		if refused == before {
			t.Errorf("with %d KiB left no call was refused", kib)
		}
		if done := s.command(t, "plan", "grant", "--product", "single", "--count", "1"); done.status == 0 {
			t.Logf("with %d KiB left a plan could be granted", kib)
		}
		rest.giveBack(t)
		began := time.Now()
		eventually(t, "a call succeeds when there is room", func() bool {
			return s.create(t, who, fmt.Sprintf("r%d-%d.full.test", round, time.Now().UnixNano())).status == 200
		})
		t.Logf("%d KiB left: %d refused; at work %v after there was room", kib, refused-before, time.Since(began))
		if torture && round%5 > 0 {
			continue // it reads all there is, which is much in a long run
		}
		if doctor := s.command(t, "doctor"); doctor.status != 0 {
			t.Fatalf("the doctor: %s%s", doctor.stdout, doctor.stderr)
		}
	}
	most := acknowledged[max(0, len(acknowledged)-20):]
	for _, order := range most {
		state := who.state(t, order)
		s.dns.Set(state.RecordDomain, state.RecordType, state.RecordValue)
	}
	for _, order := range most {
		who.issued(t, order)
	}
	stored := who.orders(t)
	for _, order := range acknowledged {
		if !stored[order] {
			t.Errorf("order %d was acknowledged and is not listed", order)
		}
		if !torture { // each hastens a look and waits for it: an hour for those of a long run
			who.state(t, order)
		}
	}
	s.stop(t)
	if doctor := s.command(t, "doctor"); doctor.status != 0 {
		t.Errorf("the doctor: %s%s", doctor.stdout, doctor.stderr)
	}
	t.Logf("%d calls were acknowledged and %d refused", len(acknowledged), refused)
}

// A first start on a disk that is too small fails, and the next one with room goes on.
func TestFirstStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	disk := smallDisk(t, 12)
	failed := 0
	for _, kib := range []int64{0, 4, 8, 16, 40, 100, 200, 400, 800} {
		s := newService(t, "--products", file(t, "products.json", lightProducts))
		s.dir = filepath.Join(disk, fmt.Sprint(kib))
		s.set("--data-dir", s.dir)
		rest := filler{disk, filepath.Join(disk, "filler")}
		rest.fill(t, kib<<10)
		s.spawn(t)
		select {
		case <-s.ended:
			failed++
			if s.cmd.ProcessState.ExitCode() != 1 || s.stderr.String() == "" {
				t.Errorf("with %d KiB the first start ends with %v: %s", kib, s.cmd.ProcessState, s.stderr)
			}
		case <-time.After(3 * time.Second): // it came up
			s.kill()
		}
		rest.giveBack(t)
		s.launch(t)
		s.stop(t)
		if doctor := s.command(t, "doctor"); doctor.status != 0 {
			t.Errorf("the doctor: %s%s", doctor.stdout, doctor.stderr)
		}
		_ = os.RemoveAll(s.dir)
	}
	if failed == 0 {
		t.Error("no disk was too small")
	}
}

func (s *service) create(t *testing.T, who tenant, name string) answer {
	t.Helper()
	parameters := application(name, "DNS")
	parameters["ProductCode"] = "single"
	return call{action: "CreateCertificateRequest", key: who.key, format: "JSON", parameters: parameters}.do(t, s)
}
