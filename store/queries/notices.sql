-- name: AddNotice :exec
INSERT INTO notices (id, account_id, kind, at, fields) VALUES ($1, $2, $3, $4, $5);

-- name: Notice :one
SELECT * FROM notices WHERE account_id = $1 AND id = $2;

-- name: Notices :many
SELECT * FROM notices WHERE account_id = $1 ORDER BY at DESC, id DESC LIMIT $2;

-- name: NoticesSince :many
SELECT * FROM notices WHERE account_id = sqlc.arg(account_id) AND at >= sqlc.arg(since) AND kind = sqlc.arg(kind)
ORDER BY at, id LIMIT sqlc.arg(most);

-- name: ForgetDeliveries :exec
DELETE FROM notice_deliveries WHERE notice_id IN (SELECT n.id FROM notices n WHERE n.at < $1) AND state <> 'waits';

-- name: ForgetNotices :exec
DELETE FROM notices WHERE notices.at < $1 AND NOT EXISTS (SELECT 1 FROM notice_deliveries d WHERE d.notice_id = notices.id);

-- name: AddNoticeTarget :exec
INSERT INTO notice_targets (
    id, account_id, kind, kinds, format, url, place, secret, addresses, created_at,
    sent_at, failed_at, not_before, error, failures
) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, '', 0);

-- name: NoticeTargets :many
SELECT * FROM notice_targets WHERE account_id = $1 ORDER BY created_at, id;

-- name: NoticeTarget :one
SELECT * FROM notice_targets WHERE account_id = $1 AND id = $2;

-- name: DeleteTargetDeliveries :exec
DELETE FROM notice_deliveries WHERE account_id = $1 AND target_id = $2;

-- name: DeleteNoticeTarget :execrows
DELETE FROM notice_targets WHERE account_id = $1 AND id = $2;

-- name: MarkNoticeTarget :execrows
UPDATE notice_targets SET
    sent_at = sqlc.arg(sent_at), failed_at = sqlc.arg(failed_at), not_before = sqlc.arg(not_before),
    error = sqlc.arg(error), failures = sqlc.arg(failures)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id);

-- name: AddDelivery :exec
INSERT INTO notice_deliveries (id, account_id, notice_id, target_id, state, attempts, at, error)
VALUES ($1, $2, $3, $4, 'waits', 0, 0, '');

-- name: Delivery :one
SELECT * FROM notice_deliveries WHERE account_id = $1 AND id = $2;

-- name: NoticeDeliveries :many
SELECT * FROM notice_deliveries WHERE account_id = $1 AND notice_id = $2 ORDER BY id;

-- name: UpdateDelivery :execrows
UPDATE notice_deliveries SET state = sqlc.arg(state), attempts = sqlc.arg(attempts), at = sqlc.arg(at), error = sqlc.arg(error)
WHERE account_id = sqlc.arg(account_id) AND id = sqlc.arg(id);

-- name: ExpiryMark :one
SELECT * FROM expiry_marks WHERE days = $1;

-- name: SetExpiryMark :exec
INSERT INTO expiry_marks (days, not_after, certificate_id) VALUES ($1, $2, $3)
ON CONFLICT (days) DO UPDATE SET not_after = excluded.not_after, certificate_id = excluded.certificate_id;

-- name: ExpiringCertificates :many
SELECT id, account_id, order_id, name, common_name, sans, not_after FROM certificates
WHERE revoked_at = 0 AND deleted_at = 0 AND not_after >= sqlc.arg(from_end) AND not_after <= sqlc.arg(until)
  AND (not_after > sqlc.arg(from_end) OR id > sqlc.arg(from_id))
ORDER BY not_after, id LIMIT sqlc.arg(most);

-- name: SuccessorNames :many
SELECT sans FROM certificates
WHERE account_id = $1 AND common_name = $2 AND not_after > $3 AND revoked_at = 0 AND deleted_at = 0
ORDER BY not_after DESC LIMIT 50;

-- name: LowPlans :many
SELECT * FROM plans
WHERE used * 100 >= total * 80 AND told_percent < CASE WHEN used >= total THEN 100 ELSE 80 END
  AND (expires_at = 0 OR expires_at > sqlc.arg(now))
ORDER BY id LIMIT sqlc.arg(most);

-- name: MarkPlanTold :exec
UPDATE plans SET told_percent = sqlc.arg(percent)
WHERE account_id = sqlc.arg(account_id) AND plans.id = sqlc.arg(id) AND told_percent < sqlc.arg(percent);

-- name: TroubledCAs :many
SELECT a.account_id, a.issuer, a.failing_since, a.problem FROM acme_orders a JOIN orders o ON o.id = a.order_id
WHERE a.failing_since > 0 AND a.failing_since <= $1 AND o.state IN ('domain_verify', 'process')
ORDER BY a.failing_since;

-- name: TroubledCAsOf :many
SELECT a.account_id, a.issuer, a.failing_since, a.problem FROM acme_orders a JOIN orders o ON o.id = a.order_id
WHERE a.failing_since > 0 AND a.failing_since <= sqlc.arg(before) AND a.account_id = sqlc.arg(account_id) AND o.state IN ('domain_verify', 'process')
ORDER BY a.failing_since;

-- name: AddTrouble :execrows
INSERT INTO told_troubles (account_id, issuer, seen_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: SeeTrouble :exec
UPDATE told_troubles SET seen_at = sqlc.arg(seen_at) WHERE account_id = sqlc.arg(account_id) AND issuer = sqlc.arg(issuer);

-- name: ForgetTroubles :exec
DELETE FROM told_troubles WHERE seen_at < $1;
