package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"chancery"
	"chancery/admin"
	"chancery/client"
	"chancery/internal/pgtest"
	"chancery/internal/zone"
	"chancery/signature"
)

// lab has what the measurements share.
type lab struct {
	settings
	dir, program string
	postgres     *pgtest.Server // nil until it is needed
	made         int
}

func (l *lab) close() {
	if l.postgres != nil {
		l.postgres.Close()
	}
}

// instance is a running service with a plan that does not run out.
type instance struct {
	lab      *lab
	program  string
	dir      string
	database string
	command  *exec.Cmd
	zone     *zone.Server
	endpoint string
	metrics  string // the URL of the listener
	client   *client.Client
}

// start starts the true program on an empty database of the engine.
func (l *lab) start(ctx context.Context, engine string, algorithm chancery.KeyAlgorithm) (*instance, error) {
	return l.startBuild(ctx, l.program, engine, algorithm)
}

// startBuild is start with another build of the program.
func (l *lab) startBuild(ctx context.Context, program, engine string, algorithm chancery.KeyAlgorithm) (*instance, error) {
	l.made++
	i := &instance{lab: l, program: program, dir: filepath.Join(l.dir, strconv.Itoa(l.made))}
	if err := os.MkdirAll(i.dir, 0o700); err != nil {
		return nil, err
	}
	if engine == "PostgreSQL" {
		if err := i.makeDatabase(); err != nil {
			return nil, err
		}
	}
	products, err := json.Marshal(chancery.Catalogue{{
		Code: chancery.DefaultProduct, Level: chancery.DV, LifetimeDays: 90, KeyAlgorithm: algorithm, Issuer: "local",
	}})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(i.file("products.json"), products, 0o600); err != nil {
		return nil, err
	}
	if i.zone, err = zone.Start("127.0.0.1:0"); err != nil {
		return nil, err
	}
	if err := i.serve(ctx); err != nil {
		return nil, errors.Join(err, i.stop())
	}
	socket, _, err := admin.Dial(ctx, i.file("data"))
	if err != nil {
		return nil, errors.Join(err, i.stop())
	}
	grant := admin.Grant{ProductCode: chancery.DefaultProduct, Count: chancery.MaxGrant}
	if err := socket.Call(ctx, "plan.grant", grant, &admin.Plan{}); err != nil {
		return nil, errors.Join(err, i.stop())
	}
	return i, nil
}

func (i *instance) file(name string) string { return filepath.Join(i.dir, name) }

func (i *instance) makeDatabase() (err error) {
	if i.lab.postgres == nil {
		if i.lab.postgres, err = pgtest.New(); err != nil {
			return err
		}
	}
	name := "compare" + strconv.Itoa(i.lab.made)
	i.database = i.lab.postgres.URL(name)
	return i.lab.postgres.Create(name)
}

// serve starts the program, also again after end, and returns when it listens.
func (i *instance) serve(ctx context.Context) error {
	listen := "127.0.0.1:0"
	if i.endpoint != "" {
		listen = strings.TrimPrefix(i.endpoint, "http://")
	}
	i.command = exec.CommandContext(ctx, i.program, "serve", "--data-dir", i.file("data"), "--database", i.database,
		"--listen", listen, "--metrics-listen", "127.0.0.1:0", "--products", i.file("products.json"), "--credentials-out", i.file("credentials.json"),
		"--dcv-resolver", i.zone.Addr(), "--rates", "off", "--log-format", "json", "--ca-key", string(chancery.ECC256))
	i.command.Env = append(os.Environ(), "GOMAXPROCS=")
	log, err := i.command.StderrPipe()
	if err != nil {
		return err
	}
	if err := i.command.Start(); err != nil {
		return err
	}
	if i.endpoint, i.metrics, err = endpointsIn(log); err != nil {
		return err
	}
	if i.client != nil {
		return nil
	}
	var key struct{ AccessKeyID, AccessKeySecret string }
	text, err := os.ReadFile(i.file("credentials.json"))
	if err := errors.Join(err, json.Unmarshal(text, &key)); err != nil {
		return fmt.Errorf("reading the first access key: %w", err)
	}
	i.client, err = client.New(i.endpoint, signature.Credentials{AccessKeyID: key.AccessKeyID, AccessKeySecret: signature.Secret(key.AccessKeySecret)}, nil)
	return err
}

// endpointsIn reads the log up to the line that tells the ports, and then away.
func endpointsIn(log io.ReadCloser) (api, metrics string, err error) {
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		var line struct{ Msg, Endpoint, Metrics string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Endpoint != "" {
			go func() { _, _ = io.Copy(io.Discard, log) }()
			return line.Endpoint, line.Metrics, nil
		}
	}
	return "", "", errors.New("the program ended before it listened")
}

// end ends the program in its own time.
func (i *instance) end() error {
	_ = i.command.Process.Signal(syscall.SIGTERM)
	return i.command.Wait()
}

func (i *instance) stop() error {
	return errors.Join(i.end(), i.zone.Close())
}

// used is the processor time of the service, and of PostgreSQL, so far.
func (i *instance) used() (service, database time.Duration) {
	service = processorTime(i.command.Process.Pid)
	if i.database != "" {
		database = processorTime(i.lab.postgres.Pid()) + childrenTime(i.lab.postgres.Pid())
	}
	return service, database
}

const tick = time.Second / 100 // USER_HZ, which is 100 on every Linux

// processorTime of a process with all its threads, and of its children that ended.
func processorTime(pid int) (sum time.Duration) {
	for _, field := range fieldsOf(pid, 14, 15, 16, 17) {
		ticks, _ := strconv.ParseInt(field, 10, 64)
		sum += time.Duration(ticks) * tick
	}
	return sum
}

// childrenTime of those that run.
func childrenTime(parent int) (sum time.Duration) {
	processes, _ := os.ReadDir("/proc")
	for _, entry := range processes {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		if fields := fieldsOf(pid, 4); len(fields) == 1 && fields[0] == strconv.Itoa(parent) {
			sum += processorTime(pid)
		}
	}
	return sum
}

// fieldsOf gives fields of /proc/PID/stat, counted from 1 as proc(5) does.
func fieldsOf(pid int, numbers ...int) (values []string) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	_, rest, _ := strings.Cut(string(text), ") ") // the command's name may hold blanks
	fields := strings.Fields(rest)                // from the third on
	for _, n := range numbers {
		values = append(values, fields[n-3])
	}
	return values
}

// resident is the memory that the service has, in MiB.
func (i *instance) resident() float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.command.Process.Pid))
	for _, line := range strings.Split(string(text), "\n") {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kib, _ := strconv.ParseFloat(strings.Fields(value)[0], 64)
			return kib / 1024
		}
	}
	return 0
}
