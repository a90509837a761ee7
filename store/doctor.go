package store

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"strings"

	"chancery"
)

// Report is what the doctor found.
type Report struct {
	// Checks is how many invariants were checked, Rows how many sealed values and
	// certificates were opened for it.
	Checks int `json:"checks"`
	Rows   int `json:"rows"`
	// Problems is empty for sound data.
	Problems []Problem `json:"problems"`
}

// Problem is one row that breaks an invariant.
type Problem struct {
	Invariant string `json:"invariant"`
	Row       string `json:"row"`
}

// invariant is one that SQL can see: the query gives the rows that break it, as text.
type invariant struct{ name, query string }

var invariants = append([]invariant{
	{"a plan's used units are its debits less its refunds, and within its total", `
		SELECT 'plan ' || p.id FROM plans p LEFT JOIN (
			SELECT plan_id, SUM(CASE kind WHEN 'debit' THEN 1 ELSE -1 END) AS held FROM ledger GROUP BY plan_id
		) l ON l.plan_id = p.id WHERE p.used < 0 OR p.used > p.total OR p.used <> COALESCE(l.held, 0)`},
	{"every order has one debit, of its own plan and account", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN ledger l ON l.order_id = o.id AND l.kind = 'debit'
		WHERE l.order_id IS NULL OR l.plan_id <> o.plan_id OR l.account_id <> o.account_id`},
	{"an order that is deleted has a refund, one that is revoked may have one, no other has; and to the plan it was taken from", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN ledger l ON l.order_id = o.id AND l.kind = 'refund'
		WHERE o.state = 'deleted' AND l.order_id IS NULL OR o.state NOT IN ('deleted', 'revoked') AND l.order_id IS NOT NULL OR l.plan_id <> o.plan_id`},
	{"a plan belongs to the account and product of its orders", `
		SELECT 'order ' || o.id FROM orders o JOIN plans p ON p.id = o.plan_id
		WHERE p.account_id <> o.account_id OR p.product_code <> o.product_code`},
	{"every ledger line belongs to an order", `
		SELECT 'ledger ' || l.order_id || ' ' || l.kind FROM ledger l LEFT JOIN orders o ON o.id = l.order_id WHERE o.id IS NULL`},
	{"every order has what must be published to prove it", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN validations v ON v.order_id = o.id AND v.account_id = o.account_id
		WHERE v.order_id IS NULL OR v.method <> o.method
		OR ',' || o.names || ',' NOT LIKE '%,' || v.name || ',%' AND ',' || o.names || ',' NOT LIKE '%,*.' || v.name || ',%'
		OR (SELECT COUNT(*) FROM validations n WHERE n.order_id = o.id) <> length(o.names) - length(replace(o.names, ',', '')) + 1`},
	{"an order is in a known state", `
		SELECT 'order ' || id FROM orders WHERE state NOT IN ('payed', 'domain_verify', 'process', 'verify_fail', 'certificate', 'revoked', 'deleted')`},
	{"an open order has one step that takes it on, and no other order has steps but those for its certificate", `
		SELECT 'order ' || o.id FROM orders o WHERE (o.state IN ('domain_verify', 'process')) <>
		((SELECT COUNT(*) FROM steps s WHERE s.order_id = o.id AND s.account_id = o.account_id AND s.kind = 'advance_order') = 1)
		OR o.state NOT IN ('domain_verify', 'process') AND EXISTS (SELECT 1 FROM steps s WHERE s.order_id = o.id AND s.kind NOT IN ('revoke_order', 'ask_renewal'))
		OR o.state <> 'certificate' AND EXISTS (SELECT 1 FROM steps s WHERE s.order_id = o.id AND s.kind = 'ask_renewal')`},
	{"a parked step is due for nobody, and says how often it failed and how", fmt.Sprintf(`
		SELECT 'step ' || id FROM steps WHERE parked_at > 0 AND (lease_until > 0 OR attempts < 1 OR last_error = '' OR due_at <> %d)`, parkedDue)},
	{"a proved order knows when it was proved, each name by a look that saw its proof", `
		SELECT 'order ' || o.id FROM orders o WHERE o.state IN ('process', 'certificate', 'revoked') AND (o.proved_at = 0
		OR EXISTS (SELECT 1 FROM validations v WHERE v.order_id = o.id AND (v.proved_at = 0
		OR NOT EXISTS (SELECT 1 FROM evidence e WHERE e.order_id = o.id AND e.name = v.name AND e.finding = 'seen'))))`},
	{"an issued order has its certificate, and no other order has one", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN certificates c ON c.order_id = o.id
		WHERE o.state = 'certificate' AND c.id IS NULL OR o.state NOT IN ('certificate', 'revoked') AND c.id IS NOT NULL
		OR o.state = 'certificate' AND (c.id <> o.certificate_id OR c.account_id <> o.account_id OR o.issued_at = 0)`},
	{"a key waits only with an open order that the service makes it for", `
		SELECT 'key of order ' || k.order_id FROM order_keys k LEFT JOIN orders o ON o.id = k.order_id AND o.account_id = k.account_id
		WHERE o.id IS NULL OR o.csr IS NOT NULL OR o.state NOT IN ('domain_verify', 'process')`},
	{"a certificate has a key if and only if the service made it", `
		SELECT 'certificate ' || c.id FROM certificates c JOIN orders o ON o.id = c.order_id
		WHERE o.csr IS NULL AND c.key IS NULL AND c.deleted_at = 0 OR o.csr IS NOT NULL AND o.csr_id = 0 AND c.key IS NOT NULL`},
	{"an open order that uses a stored CSR finds its key there", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN csrs c ON c.id = o.csr_id AND c.account_id = o.account_id
		WHERE o.csr_id > 0 AND o.state IN ('domain_verify', 'process') AND (c.key IS NULL OR o.csr IS NULL)`},
	{"what the embedded CA signed is in its record, once for an order", `
		SELECT 'order ' || i.order_id FROM issuances i WHERE i.order_id > 0 AND i.certificate IS NOT NULL
		GROUP BY i.order_id HAVING COUNT(*) > 1`},
	{"a deleted certificate is an order's, and its keys are gone", `
		SELECT 'certificate ' || id FROM certificates WHERE deleted_at > 0
		AND (order_id = 0 OR key IS NOT NULL OR sign_key IS NOT NULL OR encrypt_key IS NOT NULL)`},
	{"every order and certificate that is not deleted is listed, as what it is", `
		SELECT 'order ' || o.id FROM orders o LEFT JOIN listed l ON l.kind = 'order' AND l.row_id = o.id
		WHERE (l.row_id IS NOT NULL) <> (o.state <> 'deleted') OR l.account_id <> o.account_id OR l.resource_group <> o.resource_group
		OR l.tags <> CASE WHEN o.tags IN ('null', '[]') THEN '' ELSE o.tags END
		OR l.status NOT IN (CASE o.state WHEN 'payed' THEN 'PAYED' WHEN 'verify_fail' THEN 'CHECKED_FAIL' WHEN 'revoked' THEN 'REVOKED'
		WHEN 'certificate' THEN 'ISSUED' ELSE 'CHECKING' END, CASE o.state WHEN 'certificate' THEN 'WILLEXPIRED' ELSE '' END, CASE o.state WHEN 'certificate' THEN 'EXPIRED' ELSE '' END)
		UNION ALL
		SELECT 'certificate ' || c.id FROM certificates c
		LEFT JOIN listed l ON l.row_id = c.id AND l.kind = CASE c.order_id WHEN 0 THEN 'upload' ELSE 'issued' END
		WHERE (l.row_id IS NOT NULL) <> (c.deleted_at = 0) OR l.account_id <> c.account_id OR l.resource_group <> c.resource_group
		OR l.tags <> CASE WHEN c.tags IN ('null', '[]') THEN '' ELSE c.tags END
		OR (l.status = 'REVOKED') <> (c.revoked_at > 0) OR l.not_after <> c.not_after
		UNION ALL
		SELECT 'list entry ' || l.kind || ' ' || l.row_id FROM listed l LEFT JOIN orders o ON o.id = l.row_id AND l.kind = 'order'
		LEFT JOIN certificates c ON c.id = l.row_id AND l.kind <> 'order' WHERE o.id IS NULL AND c.id IS NULL`},
	{"a certificate of an order is revoked if and only if the order is", `
		SELECT 'certificate ' || c.id FROM certificates c JOIN orders o ON o.id = c.order_id WHERE (c.revoked_at > 0) <> (o.state = 'revoked')`},
	{"a revoked certificate of the embedded CA is revoked in its record, or a step is on its way to say so", `
		SELECT 'certificate ' || c.id FROM certificates c JOIN issuances i ON i.serial = c.serial AND i.order_id = c.order_id
		WHERE c.order_id > 0 AND c.revoked_at > 0 AND i.revoked_at = 0
		AND NOT EXISTS (SELECT 1 FROM steps s WHERE s.order_id = c.order_id AND s.kind = 'revoke_order')`},
	{"the embedded CA has revoked no certificate that an account holds as good", `
		SELECT 'certificate ' || c.id FROM certificates c JOIN issuances i ON i.serial = c.serial AND i.order_id = c.order_id
		WHERE c.order_id > 0 AND c.revoked_at = 0 AND i.revoked_at > 0`},
	{"a CRL counts what was issued and revoked under it, and lists no more than that", `
		SELECT 'CRL ' || k.authority_id || ' ' || k.crl FROM crls k WHERE k.listed > k.revoked OR (k.number > 0 AND k.next_update > 0) <> (k.der IS NOT NULL)
		OR k.issued <> (SELECT COUNT(*) FROM issuances i WHERE i.authority_id = k.authority_id AND i.crl = k.crl)
		OR k.revoked <> (SELECT COUNT(*) FROM issuances i WHERE i.authority_id = k.authority_id AND i.crl = k.crl AND i.revoked_at > 0)`},
	{"every issuance has its CRL", `
		SELECT 'issuance ' || i.serial FROM issuances i LEFT JOIN crls k ON k.authority_id = i.authority_id AND k.crl = i.crl WHERE k.crl IS NULL`},
	{"a submission record names an order of its account", `
		SELECT 'submission of order ' || s.order_id FROM submissions s
		LEFT JOIN orders o ON o.id = s.order_id AND o.account_id = s.account_id WHERE o.id IS NULL`},
	{"an access key belongs to its account or to one of its users", `
		SELECT 'access key ' || k.id FROM access_keys k LEFT JOIN users u ON u.id = k.user_id AND u.account_id = k.account_id
		WHERE k.user_id <> 0 AND u.id IS NULL`},
	{"whoever is in a group or has a policy or a session is of the same account", `
		SELECT 'user ' || m.user_id || ' in group ' || m.group_id FROM group_members m JOIN users u ON u.id = m.user_id
		JOIN user_groups g ON g.id = m.group_id WHERE u.account_id <> m.account_id OR g.account_id <> m.account_id
		UNION ALL
		SELECT 'policy ' || a.policy || ' of ' || a.kind || ' ' || a.principal_id FROM attachments a WHERE NOT EXISTS (
		SELECT 1 FROM users u WHERE a.kind = 'user' AND u.id = a.principal_id AND u.account_id = a.account_id UNION ALL
		SELECT 1 FROM user_groups g WHERE a.kind = 'group' AND g.id = a.principal_id AND g.account_id = a.account_id UNION ALL
		SELECT 1 FROM roles r WHERE a.kind = 'role' AND r.id = a.principal_id AND r.account_id = a.account_id)
		UNION ALL
		SELECT 'session ' || s.access_key_id FROM sessions s JOIN roles r ON r.id = s.role_id WHERE r.account_id <> s.account_id`},
	{"a console password belongs to a user of its account", `
		SELECT 'console password of user ' || p.user_id FROM console_passwords p LEFT JOIN users u ON u.id = p.user_id AND u.account_id = p.account_id
		WHERE u.id IS NULL`},
	{"a notice is delivered to targets of its own account, and a step is at work on each delivery that waits", `
		SELECT 'delivery ' || d.id FROM notice_deliveries d JOIN notices n ON n.id = d.notice_id JOIN notice_targets t ON t.id = d.target_id
		WHERE n.account_id <> d.account_id OR t.account_id <> d.account_id OR (d.state = 'waits') <>
		((SELECT COUNT(*) FROM steps s WHERE s.kind = 'deliver_notice' AND s.subject = d.id AND s.subject > 0 AND s.account_id = d.account_id) = 1)`},
}, acmeInvariants...)

// Examine checks every invariant of the data: the ledger against plans and
// orders, orders against proofs, steps, keys, certificates and lists, that every sealed
// value opens in its place, and that every certificate is the one the CA
// recorded and fits its key. It changes nothing and may run at any time.
func (s *Store) Examine(ctx context.Context) (Report, error) {
	checks := slices.Concat(invariants, s.backend.checks())
	report := Report{Checks: len(checks) + len(sealedColumns) + 9, Problems: []Problem{}}
	for _, check := range checks {
		if err := s.broken(ctx, &report, check.name, check.query); err != nil {
			return report, err
		}
	}
	for _, table := range sealedColumns {
		if err := s.openAll(ctx, &report, table); err != nil {
			return report, err
		}
	}
	for _, examine := range []func(context.Context, *Report) error{s.examineBlocks, s.examineTags, s.examineTexts, s.examineCRLs, s.examineAudit, s.examineCertificates, s.examineReadyKeys} {
		if err := examine(ctx, &report); err != nil {
			return report, err
		}
	}
	return report, nil
}

func (s *Store) broken(ctx context.Context, report *Report, name, query string) error {
	rows, err := s.slow.QueryContext(ctx, query)
	if err != nil {
		return fmt.Errorf("checking that %s: %w", name, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var row string
		if err := rows.Scan(&row); err != nil {
			return fmt.Errorf("checking that %s: %w", name, err)
		}
		report.Problems = append(report.Problems, Problem{name, row})
	}
	return rows.Err()
}

// sealedColumn is where sealed values stand: the table, the columns of the row's
// id, account and value, and the place that the value is bound to.
type sealedColumn struct {
	table, id, account, column, place string
	named                             bool // the id is a text
}

var sealedColumns = []sealedColumn{
	{accessKeyTable, "id", "account_id", "secret", accessKeyTable, true},
	{orderKeyTable, "order_id", "account_id", "key", orderKeyTable, false},
	{certificateTable, "id", "account_id", "key", certificateTable, false},
	{certificateTable, "id", "account_id", "sign_key", signKeyPlace, false},
	{certificateTable, "id", "account_id", "encrypt_key", encryptKeyPlace, false},
	{authorityTable, "id", "0", "key", authorityTable, true},
	{csrTable, "id", "account_id", "key", csrTable, false},
	{acmeIssuerTable, "name", "0", "eab_key", acmeIssuerTable, true},
	{acmeAccountTable, "issuer", "0", "key", acmeAccountTable, true},
	{sessionTable, "access_key_id", "account_id", "secret", sessionTable, true},
	{readyKeyTable, "id", "0", "key", readyKeyTable, false},
	{consolePasswordTable, "user_id", "account_id", "totp", consolePasswordTable, false},
	{noticeTargetTable, "id", "account_id", "url", targetURLPlace, false},
	{noticeTargetTable, "id", "account_id", "secret", noticeTargetTable, false},
}

func (s *Store) openAll(ctx context.Context, report *Report, t sealedColumn) error {
	rows, err := s.slow.QueryContext(ctx, fmt.Sprintf("SELECT %s, %s, %s FROM %s WHERE %s IS NOT NULL", t.id, t.account, t.column, t.table, t.column))
	if err != nil {
		return fmt.Errorf("opening sealed values of %s: %w", t.table, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id any
		var account chancery.AccountID
		var sealed []byte
		if err := rows.Scan(&id, &account, &sealed); err != nil {
			return fmt.Errorf("opening sealed values of %s: %w", t.table, err)
		}
		report.Rows++
		if _, err := s.open(ctx, sealed, place(t.place, account, id)); err != nil {
			report.Problems = append(report.Problems, Problem{"every sealed value opens in its place", fmt.Sprintf("%s %v", t.table, id)})
		}
	}
	return rows.Err()
}

// examineCertificates compares certificates with the CA's record and their keys.
func (s *Store) examineCertificates(ctx context.Context, report *Report) error {
	const name = "a certificate is the one the CA recorded, for the order's names, and fits its key"
	rows, err := s.slow.QueryContext(ctx, `SELECT c.id, c.account_id, c.pem, c.key, c.serial, o.names, i.certificate
		FROM certificates c JOIN orders o ON o.id = c.order_id LEFT JOIN issuances i ON i.serial = c.serial`)
	if err != nil {
		return fmt.Errorf("examining certificates: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var id int64
		var account chancery.AccountID
		var text, serial, names string
		var sealed, recorded []byte
		if err := rows.Scan(&id, &account, &text, &sealed, &serial, &names, &recorded); err != nil {
			return fmt.Errorf("examining certificates: %w", err)
		}
		report.Rows++
		if err := s.examineCertificate(ctx, text, serial, names, recorded, sealed, place(certificateTable, account, id)); err != nil {
			report.Problems = append(report.Problems, Problem{name, fmt.Sprintf("certificate %d: %s", id, err)})
		}
	}
	return rows.Err()
}

func (s *Store) examineCertificate(ctx context.Context, text, serial, names string, recorded, sealed []byte, place string) error {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return errors.New("not PEM")
	}
	leaf, err := x509.ParseCertificate(block.Bytes)
	switch {
	case err != nil:
		return errors.New("cannot be parsed")
	case recorded != nil && !bytes.Equal(recorded, block.Bytes):
		return errors.New("differs from the CA's record")
	case chancery.SerialHex(leaf.SerialNumber) != serial:
		return errors.New("has another serial than its row")
	case !slices.Equal(slices.Sorted(slices.Values(leaf.DNSNames)), slices.Sorted(strings.SplitSeq(names, ","))):
		return errors.New("has other names than its order")
	case len(sealed) == 0:
		return nil
	}
	key, err := s.open(ctx, sealed, place)
	if err != nil {
		return errors.New("has a key that does not open")
	}
	return chancery.KeyFits(key, leaf)
}
