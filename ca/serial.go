package ca

import (
	"crypto/rand"
	"math/big"
)

// newSerial draws 128 bits of which the first byte is not zero, so that all
// serials have one length. BR 7.1.2.7 asks for 64 bits at least; that is a promise
// about the number as encoded, which leading zeros would shorten.
func newSerial() *big.Int {
	serial := make([]byte, 16)
	for serial[0] == 0 {
		_, _ = rand.Read(serial) // never fails: crypto/rand ends the process instead
	}
	return new(big.Int).SetBytes(serial)
}
