// Package chancery is the vocabulary of a certificate management service:
// accounts and access keys, products and plans, orders, validations,
// certificates, and the interfaces of what keeps, proves and issues them. It
// holds the rules on them and does no I/O; the packages beside it do the work.
package chancery
