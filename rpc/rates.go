package rpc

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"

	"chancery"
)

// DefaultRate keeps one account's runaway script from the others and bothers
// nobody else.
var DefaultRate = Rate{PerSecond: 100, Burst: 200}

// EqualRates gives every operation the same.
func EqualRates(rate Rate) Rates {
	return func(chancery.Operation) Rate { return rate }
}

// DocumentedRates gives each operation what the original's pages allow, and
// DefaultRate where they say nothing.
func DocumentedRates(o chancery.Operation) Rate {
	if o.Rate == 0 {
		return DefaultRate
	}
	return Rate{PerSecond: float64(o.Rate), Burst: o.Rate}
}

// ParseRates reads a YAML map from operations to rates. The entry "default" is for
// operations that have none, DefaultRate if there is no such entry; a rate of 0 is no
// limit, and a burst that is left out is twice the rate.
//
//	default: {rate: 50, burst: 100}
//	ListUserCertificateOrder: {rate: 5}
func ParseRates(text []byte, apis []chancery.API) (Rates, error) {
	table := map[string]Rate{}
	decoder := yaml.NewDecoder(strings.NewReader(string(text)))
	decoder.KnownFields(true)
	if err := decoder.Decode(&table); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("it must hold operations and their rates, one a line, such as `ListCsr: {rate: 5, burst: 10}`: %w", err)
	}
	known := map[string]bool{"default": true}
	for _, api := range apis {
		for _, operation := range api.Operations {
			known[operation.Name] = true
		}
	}
	for name, rate := range table {
		switch {
		case !known[name]:
			return nil, fmt.Errorf("there is no operation %q", name)
		case rate.PerSecond < 0 || rate.Burst < 0 || math.IsNaN(rate.PerSecond) || math.IsInf(rate.PerSecond, 0):
			return nil, fmt.Errorf("%s: a rate is 0 or more", name)
		case rate.Burst == 0:
			rate.Burst = int(math.Ceil(min(2*rate.PerSecond, 1e6)))
			table[name] = rate
		}
	}
	otherwise, ok := table["default"]
	if !ok {
		otherwise = DefaultRate
	}
	return func(o chancery.Operation) Rate {
		if rate, ok := table[o.Name]; ok {
			return rate
		}
		return otherwise
	}, nil
}
