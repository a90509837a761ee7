-- name: AddStep :exec
INSERT INTO steps (id, kind, account_id, order_id, subject, due_at, attempts, last_run_at, lease_until, last_error, version)
VALUES ($1, $2, $3, $4, $5, $6, 0, 0, 0, '', 1);

-- The lease is taken by one conditional UPDATE: of two workers that pick the
-- same row, the second finds its lease taken and gets nothing. That a parked step is
-- not due keeps it from being picked; one that a node of an older version hurried is,
-- and is parked no more.
-- For a bare parameter SQLite would plan the statement anew each time.
-- name: ClaimSteps :many
UPDATE steps SET
    lease_until = now_ms() + sqlc.arg(lease), last_run_at = sqlc.arg(now), parked_at = 0,
    attempts = attempts + 1, version = version + 1
WHERE lease_until <= now_ms() AND steps.id IN (
    SELECT s.id FROM steps s
    WHERE s.due_at <= sqlc.arg(now) + 0 AND s.lease_until <= now_ms()
    ORDER BY s.due_at, s.id
    LIMIT sqlc.arg(most)
)
RETURNING *;

-- What is parked is due on 31 December 9999.
-- name: NextStep :one
SELECT due_at FROM steps WHERE lease_until <= now_ms() AND due_at < 253402214400000 ORDER BY due_at LIMIT 1;

-- name: FinishStep :execrows
DELETE FROM steps WHERE id = $1 AND version = $2;

-- name: PostponeStep :execrows
UPDATE steps SET
    due_at = sqlc.arg(due_at), last_error = sqlc.arg(last_error), cause = '', lease_until = 0, version = version + 1,
    attempts = CASE WHEN sqlc.arg(failed) = 1 THEN attempts ELSE 0 END
WHERE steps.id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: ContinueStep :execrows
UPDATE steps SET due_at = $1, last_error = '', cause = '', attempts = 1 WHERE steps.id = $2 AND version = $3;

-- name: FailStep :execrows
UPDATE steps SET
    due_at = sqlc.arg(due_at), parked_at = sqlc.arg(parked_at), last_error = sqlc.arg(last_error), cause = sqlc.arg(cause),
    lease_until = 0, version = version + 1
WHERE steps.id = sqlc.arg(id) AND version = sqlc.arg(version);

-- name: OrderSteps :many
SELECT * FROM steps WHERE account_id = $1 AND order_id = $2 ORDER BY kind, id;

-- name: StepOfID :one
SELECT * FROM steps WHERE id = $1;

-- name: StepsByDue :many
SELECT * FROM steps ORDER BY due_at, id LIMIT $1;

-- name: StepsParked :many
SELECT * FROM steps WHERE parked_at > 0 ORDER BY parked_at, id LIMIT $1;

-- name: StepsOfOrder :many
SELECT * FROM steps WHERE order_id = $1 ORDER BY due_at, id;

-- name: CountParkedSteps :many
SELECT kind, COUNT(*) FROM steps WHERE parked_at > 0 GROUP BY kind;

-- name: CountDueSteps :many
SELECT kind, COUNT(*) FROM steps WHERE due_at <= sqlc.arg(now) AND lease_until <= now_ms() GROUP BY kind;

-- name: HurryStep :exec
UPDATE steps SET due_at = sqlc.arg(now)
WHERE account_id = sqlc.arg(account_id) AND order_id = sqlc.arg(order_id) AND kind = sqlc.arg(kind) AND parked_at = 0
  AND due_at > sqlc.arg(now) AND last_run_at <= sqlc.arg(not_since) AND lease_until <= now_ms();

-- name: MarkTold :exec
UPDATE steps SET last_run_at = sqlc.arg(now)
WHERE account_id = sqlc.arg(account_id) AND order_id = sqlc.arg(order_id) AND kind = 'advance_order'
  AND last_run_at = 0 AND lease_until <= now_ms();

-- name: RetryStep :execrows
UPDATE steps SET due_at = sqlc.arg(now), parked_at = 0, attempts = 0, last_error = '', cause = ''
WHERE steps.id = sqlc.arg(id) AND lease_until <= now_ms();

-- name: DeleteOrderSteps :exec
DELETE FROM steps WHERE account_id = $1 AND order_id = $2 AND kind <> 'revoke_order';

-- What a clock that was ahead has written is taken back: a step that was last begun in
-- the future, or is due later than any step is put off, is due now; and a lease
-- that ends later than any lease does is over. Nobody may have it in hand meanwhile:
-- were somebody at work on it all the same, the next claim's version keeps that out.
-- name: RecallSteps :execrows
UPDATE steps SET
    due_at = sqlc.arg(now), lease_until = 0,
    last_run_at = CASE WHEN last_run_at > sqlc.arg(now) THEN sqlc.arg(now) ELSE last_run_at END
WHERE parked_at = 0 AND (
    lease_until > now_ms() + sqlc.arg(longest_lease)
    OR lease_until <= now_ms() AND (
        last_run_at > sqlc.arg(begun_by) OR due_at > sqlc.arg(due_by)
        OR last_run_at = 0 AND due_at > sqlc.arg(first_due_by)));
