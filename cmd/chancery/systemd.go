package main

import (
	"context"
	"net"
	"os"
)

// tellSystemd tells the supervisor that started the service (systemd's Type=notify)
// in what state it is. Without one nothing happens: there is no NOTIFY_SOCKET.
func tellSystemd(ctx context.Context, state string) error {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return nil
	}
	// A name that begins with @ is one of Linux's abstract names, which net knows too.
	conn, err := new(net.Dialer).DialContext(ctx, "unixgram", path)
	if err != nil {
		return err
	}
	_, err = conn.Write([]byte(state))
	_ = conn.Close()
	return err
}
