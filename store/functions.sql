-- now_ms is the database's clock in Unix milliseconds. SQLite has it registered
-- by the store; PostgreSQL gets it at start. Here it is only declared for sqlc.
CREATE FUNCTION now_ms() RETURNS BIGINT LANGUAGE SQL AS $$ SELECT 0 $$;
