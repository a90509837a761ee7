package work

import (
	"context"
	"crypto"
	"runtime"

	"chancery"
)

// KeyPool keeps a few keys ready, since making an RSA key takes a good part of a
// second of a processor and orders come in bursts. A nil pool makes each key
// when it is taken.
type KeyPool struct {
	algorithm chancery.KeyAlgorithm
	ready     chan crypto.Signer
}

// NewKeyPool makes a pool of so many keys of one algorithm; Run fills it.
func NewKeyPool(algorithm chancery.KeyAlgorithm, size int) *KeyPool {
	return &KeyPool{algorithm: algorithm, ready: make(chan crypto.Signer, size)}
}

// Run keeps the pool full, with one processor at the most, until ctx ends.
func (p *KeyPool) Run(ctx context.Context) {
	for ctx.Err() == nil {
		key, err := chancery.GenerateKey(p.algorithm)
		if err != nil {
			return // the catalogue was checked: only an unknown algorithm fails
		}
		select {
		case p.ready <- key:
		case <-ctx.Done():
		}
	}
}

// Take gives a key that nobody else has or will get.
func (p *KeyPool) Take(ctx context.Context, algorithm chancery.KeyAlgorithm) (crypto.Signer, error) {
	if p != nil && p.algorithm == algorithm {
		select {
		case key := <-p.ready:
			return key, nil
		default:
		}
	}
	select {
	case makers <- struct{}{}:
		defer func() { <-makers }()
		return chancery.GenerateKey(algorithm)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// makers keeps bursts of key making from taking every processor from requests.
var makers = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)-1))
