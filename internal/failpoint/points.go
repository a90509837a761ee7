package failpoint

// Points lists every named point, in the order in which an order passes them.
var Points = []string{
	"create.before-commit",  // the order's rows are written, not committed
	"create.committed",      // committed, the answer not sent
	"key.committed",         // key and CSR are stored
	"look.before-commit",    // the proof was seen, nothing stored
	"look.committed",        // the order is in process
	"issue.intent-recorded", // the CA recorded what it will sign
	"issue.signed",          // signed, not recorded
	"issue.recorded",        // the CA recorded the certificate, the order does not know it
	"order.before-commit",   // certificate and order are written, not committed
	"order.committed",       // the order is issued
}

// RevokePoints lists those that a revocation passes, likewise.
var RevokePoints = []string{
	"revoke.before-commit", // order, certificate, ledger and step are written, not committed
	"revoke.committed",     // committed, the answer not sent
	"revoke.told",          // the issuer knows, the step is not finished
}
