package ca

import (
	"context"
	"testing"

	"chancery"
)

func BenchmarkIssue(b *testing.B) {
	for _, kind := range []string{"P-256", "RSA-2048"} {
		b.Run(kind, func(b *testing.B) {
			a, _, _ := testCA(b, Config{BaseURL: testBase})
			request := requestFor(b, 1, "www.example.com")
			request.CSR = csrFor(b, applicantKey(b, kind))
			b.ReportAllocs()
			for b.Loop() {
				a.config.Store = newMemory() // the fake slows down as it fills
				request.OrderID = chancery.NewOrderID()
				if _, err := a.Issue(context.Background(), request); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLint(b *testing.B) {
	for _, kind := range []string{"P-256", "RSA-2048"} {
		b.Run(kind, func(b *testing.B) {
			a, _, _ := testCA(b, Config{BaseURL: testBase})
			request := requestFor(b, 1, "www.example.com")
			request.CSR = csrFor(b, applicantKey(b, kind))
			leaf := issue(b, a, request)
			b.ReportAllocs()
			for b.Loop() {
				if err := a.lint.leaf.certificate(leaf.Raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	_, store, now := testCA(b, Config{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Open(context.Background(), Config{Store: store, Clock: now}); err != nil {
			b.Fatal(err)
		}
	}
}
