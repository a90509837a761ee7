package database

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cut is what a wire does with a COMMIT.
type cut int

const (
	pass         cut = iota
	before           // hangs up, and the database never hears of it
	after            // hangs up once the database has answered, which nobody hears
	silentBefore     // the COMMIT gets lost, and so does everything after it
	silentAfter      // the answer gets lost, and so does everything after it
)

// String tells it in a sentence.
func (c cut) String() string {
	return [...]string{"passed on", "cut off before it arrived", "cut off before its answer arrived", "lost without a word", "lost its answer without a word"}[c]
}

// wire is a network between the nodes and their database. It reads as much of
// PostgreSQL's protocol (version 3, without TLS) as it takes to see a COMMIT pass.
type wire struct {
	address  string
	socket   string // of the server
	listener net.Listener
	open     sync.WaitGroup

	odds  atomic.Int64 // one COMMIT of so many is cut; 0: none
	delay atomic.Int64 // nanoseconds, added to each answer
	cuts  [silentAfter + 1]atomic.Int64

	mu    sync.Mutex // guards conns
	conns map[net.Conn]bool
}

func newWire(t *testing.T, socket string) *wire {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	w := &wire{address: listener.Addr().String(), socket: socket, listener: listener, conns: map[net.Conn]bool{}}
	w.open.Go(w.accept)
	t.Cleanup(w.close)
	return w
}

// url names a database behind the wire.
func (w *wire) url() string { return "postgres://chancery@" + w.address + "/postgres?sslmode=disable" }

func (w *wire) accept() {
	for {
		conn, err := w.listener.Accept()
		if err != nil {
			return
		}
		w.open.Go(func() { w.join(conn) })
	}
}

func (w *wire) close() {
	_ = w.listener.Close()
	w.mu.Lock()
	for conn := range w.conns {
		_ = conn.Close()
	}
	w.conns = nil
	w.mu.Unlock()
	w.open.Wait()
}

// keep has close end a connection; it is false after that.
func (w *wire) keep(conn net.Conn) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.conns != nil {
		w.conns[conn] = true
	}
	return w.conns != nil
}

func (w *wire) forget(conn net.Conn) {
	_ = conn.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.conns, conn)
}

// join carries one connection.
func (w *wire) join(client net.Conn) {
	defer w.forget(client)
	server, err := net.Dial("unix", w.socket)
	if err != nil {
		return
	}
	defer w.forget(server)
	if !w.keep(client) || !w.keep(server) {
		return
	}
	c := &carried{wire: w, client: client, server: server}
	var both sync.WaitGroup
	for _, carry := range []func(){c.upstream, c.downstream} {
		both.Go(func() {
			carry()
			c.end()
		})
	}
	both.Wait()
}

// carried is one connection of a node to the database.
type carried struct {
	wire           *wire
	client, server net.Conn
	fate           atomic.Int64 // the cut that is under way
	commit         []byte       // the name of the statement that commits, once it is prepared; upstream's
}

// end hangs up on the database, and on the node unless that is to find out by itself.
func (c *carried) end() {
	_ = c.server.Close()
	if fate := cut(c.fate.Load()); fate == silentBefore || fate == silentAfter {
		_, _ = io.Copy(io.Discard, c.client)
	}
	_ = c.client.Close()
}

// upstream passes the node's messages on, one by one.
func (c *carried) upstream() {
	message, err := readStartup(c.client)
	for err == nil {
		if c.isCommit(message) {
			switch fate := c.wire.draw(); fate {
			case pass:
			case before, silentBefore:
				c.fate.Store(int64(fate))
				return
			case after, silentAfter:
				c.fate.Store(int64(fate)) // downstream sees to it
			}
		}
		if _, err = c.server.Write(message); err == nil {
			message, err = readMessage(c.client)
		}
	}
}

// draw decides what becomes of a COMMIT.
func (w *wire) draw() cut {
	odds := w.odds.Load()
	if odds == 0 || rand.Int64N(odds) != 0 {
		return pass
	}
	fate := before + cut(rand.IntN(int(silentAfter)))
	w.cuts[fate].Add(1)
	return fate
}

// downstream passes the database's answers on, each as late as the wire says.
func (c *carried) downstream() {
	type late struct {
		at   time.Time
		text []byte
	}
	queue := make(chan late, 1024)
	var sender sync.WaitGroup
	defer sender.Wait()
	defer close(queue)
	sender.Go(func() {
		for next := range queue {
			time.Sleep(time.Until(next.at))
			_, _ = c.client.Write(next.text)
		}
	})
	for {
		text := make([]byte, 32<<10)
		n, err := c.server.Read(text)
		if fate := cut(c.fate.Load()); err != nil || fate != pass {
			return // the answer to a COMMIT that is cut is dropped
		}
		queue <- late{time.Now().Add(time.Duration(c.wire.delay.Load())), text[:n]}
	}
}

var errTooLong = errors.New("a message of the protocol is too long")

// readStartup reads the first message, which has no type: it begins with its length.
func readStartup(from io.Reader) ([]byte, error) { return readBody(from, nil) }

// readMessage reads a message: its type, its length and the rest.
func readMessage(from io.Reader) ([]byte, error) {
	kind := make([]byte, 1)
	if _, err := io.ReadFull(from, kind); err != nil {
		return nil, err
	}
	return readBody(from, kind)
}

func readBody(from io.Reader, head []byte) ([]byte, error) {
	const most = 16 << 20
	length := make([]byte, 4)
	if _, err := io.ReadFull(from, length); err != nil {
		return nil, err
	}
	size := int(binary.BigEndian.Uint32(length)) - len(length)
	if size < 0 || size > most {
		return nil, errTooLong
	}
	message := append(append(head, length...), make([]byte, size)...)
	_, err := io.ReadFull(from, message[len(message)-size:])
	return message, err
}

// isCommit knows a simple query, and a prepared statement that is run.
func (c *carried) isCommit(message []byte) bool {
	const head = 5 // type and length
	if len(message) <= head {
		return false
	}
	text := func(n int) string { return string(bytes.SplitN(message[head:], []byte{0}, n+2)[n]) }
	switch message[0] {
	case 'Q':
		return strings.EqualFold(text(0), "commit")
	case 'P': // the statement's name, its text
		if strings.EqualFold(text(1), "commit") {
			c.commit = message[head : head+len(text(0))]
		}
	case 'B': // what its answer is called, the statement's name
		return c.commit != nil && text(1) == string(c.commit)
	}
	return false
}
