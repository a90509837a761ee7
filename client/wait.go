package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chancery/cas"
)

// ErrFailed means that the order ended without a certificate. The error that wraps it
// tells why.
var ErrFailed = errors.New("the order failed")

// Wait polls an order until it is issued, calling progress with every answer. It
// ends with ErrFailed when the order fails or was withdrawn, and with ctx.
func (c *Client) Wait(ctx context.Context, order int64, every time.Duration, progress func(*cas.DescribeCertificateStateOutput)) (*cas.DescribeCertificateStateOutput, error) {
	for {
		state, err := c.DescribeCertificateState(ctx, cas.DescribeCertificateStateInput{OrderId: order, Verbose: true})
		if err != nil {
			return nil, err
		}
		progress(state)
		switch state.Type {
		case "certificate":
			return state, nil
		case "verify_fail":
			return state, fmt.Errorf("%w: %s", ErrFailed, state.Reason)
		case "payed":
			return state, fmt.Errorf("%w: it was withdrawn", ErrFailed)
		case "unknow":
			return state, fmt.Errorf("%w: its certificate was revoked", ErrFailed)
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			return state, ctx.Err()
		}
	}
}
