package failpoint

// Points lists every named point that an order of the embedded CA passes, in the
// order in which it does.
var Points = []string{
	"create.before-commit",  // the order's rows are written, not committed
	"create.committed",      // committed, the answer not sent
	"step.claimed",          // a worker has steps in hand, and has done nothing
	"key.before-commit",     // the order's key is written, not committed
	"key.committed",         // key and CSR are stored
	"look.before-commit",    // the proof was seen, nothing stored
	"look.evidence-written", // what was found is written, the order not changed, nothing committed
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

// CRLPoints lists those that making a CRL passes, likewise.
var CRLPoints = []string{
	"crl.signed",        // signed, not stored
	"crl.before-commit", // written, not committed
	"crl.committed",     // stored, not shown yet
}

// ACMEPoints lists those that an order of an ACME CA passes, likewise.
var ACMEPoints = []string{
	"create.before-commit",
	"create.committed",
	"step.claimed",
	"acme.order-made",          // the CA has made an order, nothing of it is stored
	"acme.order-saved",         // its URLs are stored
	"acme.authorization-saved", // so are those of an authorization
	"open.before-commit",       // what to publish is known, not stored
	"open.committed",           // it is stored
	"key.before-commit",
	"key.committed",
	"look.before-commit",
	"look.evidence-written",
	"look.committed",
	"acme.challenge-saved",   // it is stored that the CA is told to look, and it is not told
	"acme.challenge-told",    // it is
	"acme.finalize-saved",    // it is stored that the CSR is sent, and it is not sent
	"acme.finalized",         // it is
	"acme.certificate-saved", // where the certificate is, is stored
	"acme.downloaded",        // it was fetched, nothing is stored
	"order.before-commit",
	"order.committed",
	"renewal.before-commit", // when to renew is written, not committed
}
