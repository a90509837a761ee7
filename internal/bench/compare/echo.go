package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chancery"
	"chancery/cas"
	"chancery/client"
	"chancery/signature"
)

// echoKey signs calls of the echo server, which holds nothing.
var echoKey = signature.Credentials{AccessKeyID: "echo", AccessKeySecret: signature.Secret("echo")}

// serveEcho is a bare server in a process of its own: it verifies the signature and
// answers what it was asked. What a call of the service costs above that is the
// service's own work.
func serveEcho() {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: http.HandlerFunc(echo), ReadHeaderTimeout: time.Second}
	_ = server.Serve(listener)
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	values, formErr := url.ParseQuery(string(body))
	if err != nil || formErr != nil {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	form := map[string]string{}
	for name := range values {
		form[name] = values.Get(name)
	}
	claim, err := signature.Read(&signature.Request{Method: r.Method, Host: r.Host, Header: r.Header, Query: map[string]string{}, Form: form, Body: body})
	if err != nil || !claim.Verify([]byte(echoKey.AccessKeySecret)) {
		http.Error(w, "not signed", http.StatusForbidden)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(form)
}

// calls compares Describe and Create with the echo server.
func calls(ctx context.Context, l *lab) error {
	const clients = 16
	path, err := os.Executable()
	if err != nil {
		return err
	}
	bare := exec.CommandContext(ctx, path, "echo")
	out, err := bare.StdoutPipe()
	if err != nil {
		return err
	}
	if err := bare.Start(); err != nil {
		return err
	}
	defer func() { _ = bare.Process.Kill(); _ = bare.Wait() }()
	address := make([]byte, 64)
	n, err := out.Read(address)
	if err != nil {
		return err
	}
	echoes, err := client.New(strings.TrimSpace(string(address[:n])), echoKey, nil)
	if err != nil {
		return err
	}
	type callCase struct {
		name           string
		call           func() error
		used           func() time.Duration
		rate, p50, cpu []float64
	}
	cases := []*callCase{{
		name: "signed echo",
		call: func() error {
			_, err := echoes.DescribePackageState(ctx, cas.DescribePackageStateInput{ProductCode: chancery.DefaultProduct})
			return err
		},
		used: func() time.Duration { return processorTime(bare.Process.Pid) },
	}}
	for _, engine := range l.engines {
		in, err := l.start(ctx, engine, chancery.ECC256)
		if err != nil {
			return err
		}
		defer func() { _ = in.stop() }()
		if _, _, err := in.order(ctx, false); err != nil {
			return err
		}
		id, err := in.apply(ctx, false)
		if err != nil {
			return err
		}
		used := func() time.Duration { service, _ := in.used(); return service }
		cases = append(cases, &callCase{
			name: engine + ", DescribeCertificateState",
			call: func() error {
				_, err := in.client.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: id})
				return err
			}, used: used,
		}, &callCase{
			name: engine + ", CreateCertificateRequest",
			call: func() error { _, err := in.apply(ctx, false); return err }, used: used,
		})
	}
	for range l.rounds {
		for _, c := range cases {
			before := c.used()
			rate, p50, err := hammer(clients, l.length, c.call)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			c.rate, c.p50 = append(c.rate, rate), append(c.p50, p50)
			c.cpu = append(c.cpu, milliseconds(c.used()-before)/(rate*l.length.Seconds()))
		}
	}
	fmt.Printf("\n%d clients.\n\n| call | a second | of the echo | p50 | server CPU a call |\n| --- | --- | --- | --- | --- |\n", clients)
	for _, c := range cases {
		fmt.Printf("| %s | %.0f | %.2f | %.1f ms | %.2f ms |\n", c.name, median(c.rate), median(c.rate)/median(cases[0].rate), median(c.p50), median(c.cpu))
	}
	return nil
}

// hammer makes calls for a time and gives how many a second, and the median in milliseconds.
func hammer(clients int, length time.Duration, call func() error) (rate, p50 float64, err error) {
	var all sync.Mutex
	var took []float64
	var failed atomic.Value
	var each sync.WaitGroup
	began := time.Now()
	for range clients {
		each.Go(func() {
			var mine []float64
			for time.Since(began) < length && failed.Load() == nil {
				at := time.Now()
				if err := call(); err != nil {
					failed.Store(err)
					return
				}
				mine = append(mine, milliseconds(time.Since(at)))
			}
			all.Lock()
			defer all.Unlock()
			took = append(took, mine...)
		})
	}
	each.Wait()
	if err, _ := failed.Load().(error); err != nil {
		return 0, 0, err
	}
	return float64(len(took)) / time.Since(began).Seconds(), median(took), nil
}
