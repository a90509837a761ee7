-- name: AddReadyKey :execrows
INSERT INTO ready_keys (id, algorithm, key, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING;

-- name: TakeReadyKey :one
DELETE FROM ready_keys WHERE ready_keys.id = (
    SELECT r.id FROM ready_keys r WHERE r.algorithm = $1 ORDER BY r.created_at, r.id LIMIT 1
)
RETURNING *;

-- name: CountReadyKeys :many
SELECT algorithm, COUNT(*) FROM ready_keys GROUP BY algorithm;

-- name: ForgetReadyKeys :exec
DELETE FROM ready_keys WHERE created_at < $1;
