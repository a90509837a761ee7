package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"

	"chancery"
)

// tagMigration is the migration after 00009_tags.sql: neither engine's SQL, let alone
// both, could read the tags of what was listed before and set bits. Its statements are
// its own, since the tables may look otherwise in a later version.
var tagMigration = goose.NewGoMigration(10, &goose.GoFunc{RunTx: fillTags}, &goose.GoFunc{RunTx: emptyTags})

func emptyTags(ctx context.Context, tx *sql.Tx) error {
	for _, statement := range []string{"DELETE FROM tag_blocks", "DELETE FROM tag_uses"} {
		if _, err := tx.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("emptying the tables of tags: %w", err)
		}
	}
	return nil
}

// fillTags goes block by block, so that it keeps no more in memory than one has.
func fillTags(ctx context.Context, tx *sql.Tx) error {
	last := map[int64]int64{} // the last block of each account
	err := scan(ctx, tx, "SELECT account_id, MAX(seq) FROM listed WHERE tags <> '' GROUP BY account_id", nil, func(row *sql.Rows) error {
		var account, seq int64
		err := row.Scan(&account, &seq)
		last[account] = seq / blockSize
		return err
	})
	if err != nil {
		return err
	}
	for account, end := range last {
		for block := range end + 1 {
			if err := fillTagsOf(ctx, tx, account, block); err != nil {
				return err
			}
		}
	}
	return nil
}

// fillTagsOf fills the blocks of all tags in one block of an account's numbers.
func fillTagsOf(ctx context.Context, tx *sql.Tx, account, block int64) error {
	type of struct{ kind, key, value string }
	sets := map[of]*blockSet{}
	const some = "SELECT kind, seq, tags FROM listed WHERE account_id = $1 AND seq >= $2 AND seq < $3 AND tags <> ''"
	err := scan(ctx, tx, some, []any{account, block * blockSize, (block + 1) * blockSize}, func(row *sql.Rows) error {
		var kind, text string
		var seq int64
		if err := row.Scan(&kind, &seq, &text); err != nil {
			return err
		}
		tags, err := tagsListed(text)
		for _, tag := range tags {
			set := sets[of{kind, tag.Key, tag.Value}]
			if set == nil {
				set = &blockSet{}
				sets[of{kind, tag.Key, tag.Value}] = set
			}
			set.add(seq % blockSize)
		}
		return err
	})
	if err != nil {
		return err
	}
	for tag, set := range sets {
		_, err := tx.ExecContext(ctx, "INSERT INTO tag_blocks (account_id, key, value, kind, block, members) VALUES ($1, $2, $3, $4, $5, $6)",
			account, tag.key, tag.value, tag.kind, block, set.bytes())
		if err != nil {
			return fmt.Errorf("filling the blocks of tags: %w", err)
		}
		orders, certificates := int64(0), set.count()
		if tag.kind == string(chancery.ListOrder) {
			orders, certificates = certificates, 0
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO tag_uses (account_id, key, value, orders, certificates) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account_id, key, value) DO UPDATE SET
			orders = tag_uses.orders + excluded.orders, certificates = tag_uses.certificates + excluded.certificates`,
			account, tag.key, tag.value, orders, certificates)
		if err != nil {
			return fmt.Errorf("counting what has tags: %w", err)
		}
	}
	return nil
}

// scan calls fn for each row.
func scan(ctx context.Context, tx *sql.Tx, query string, arguments []any, fn func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, query, arguments...)
	if err != nil {
		return fmt.Errorf("reading what has tags: %w", err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return fmt.Errorf("reading what has tags: %w", err)
		}
	}
	return wrapped("reading what has tags", rows.Err())
}
