package store

// Invariants of what is kept about ACME CAs.
var acmeInvariants = []invariant{
	{"an ACME order belongs to an order of its account", `
		SELECT 'ACME order ' || a.order_id FROM acme_orders a LEFT JOIN orders o ON o.id = a.order_id AND o.account_id = a.account_id
		WHERE o.id IS NULL`},
	{"what a CA knows of an order is whole, and nothing of it is there before the order is opened", `
		SELECT 'ACME order ' || order_id FROM acme_orders WHERE issuer = ''
		OR url = '' AND (finalized_at > 0 OR certificate <> '')
		OR url <> '' AND (finalize = '' OR openings = 0)
		OR certificate <> '' AND finalized_at = 0`},
	{"an open order whose issuer has not said what to publish has a step that asks, and no order is proved without", `
		SELECT 'order ' || o.id FROM orders o JOIN validations v ON v.order_id = o.id WHERE v.token = '' AND (
		NOT EXISTS (SELECT 1 FROM acme_orders a WHERE a.order_id = o.id)
		OR o.state = 'domain_verify' AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.order_id = o.id AND s.kind = 'open_order')
		OR o.state IN ('process', 'certificate', 'revoked'))`},
	{"a proof of a CA's is of an order that a CA has", `
		SELECT 'order ' || v.order_id FROM validations v LEFT JOIN acme_orders a ON a.order_id = v.order_id
		WHERE v.place <> '' AND a.order_id IS NULL`},
	{"a certificate of a CA's comes from an order that was sent the CSR", `
		SELECT 'certificate ' || c.id FROM certificates c JOIN acme_orders a ON a.order_id = c.order_id
		WHERE c.order_id > 0 AND (a.finalized_at = 0 OR a.certificate = '')`},
	{"two orders have not one certificate", `
		SELECT 'certificate ' || MIN(id) FROM certificates WHERE order_id > 0 GROUP BY sha2 HAVING COUNT(*) > 1`},
	{"an authorization at a CA belongs to an order", `
		SELECT 'authorization ' || z.url FROM acme_authorizations z LEFT JOIN orders o ON o.id = z.order_id AND o.account_id = z.account_id
		WHERE o.id IS NULL`},
	{"a suggested renewal is of an order that a CA issued", `
		SELECT 'renewal of order ' || r.order_id FROM renewals r LEFT JOIN acme_orders a ON a.order_id = r.order_id AND a.account_id = r.account_id
		WHERE a.order_id IS NULL OR r.window_start >= r.window_end`},
}
