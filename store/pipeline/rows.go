package pipeline

import (
	"database/sql/driver"
	"fmt"
	"io"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// rows are all rows of a query: the connection is free for the next statement while they are read.
type rows struct {
	columns []string
	values  []driver.Value // row by row
}

func readRows(types *pgtype.Map, results pgx.BatchResults) (*rows, error) {
	answer, err := results.Query()
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	var read rows
	for answer.Next() {
		fields := answer.FieldDescriptions()
		for i, raw := range answer.RawValues() {
			value, err := valueOf(types, &fields[i], raw)
			if err != nil {
				return nil, fmt.Errorf("reading column %s: %w", fields[i].Name, err)
			}
			read.values = append(read.values, value)
		}
	}
	for _, field := range answer.FieldDescriptions() {
		read.columns = append(read.columns, field.Name)
	}
	return &read, answer.Err()
}

// valueOf is a value as database/sql takes it; nil is NULL.
func valueOf(types *pgtype.Map, field *pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	if known, found := types.TypeForOID(field.DataTypeOID); found {
		return known.Codec.DecodeDatabaseSQLValue(types, field.DataTypeOID, field.Format, raw)
	}
	return string(raw), nil
}

// Columns implements driver.Rows.
func (r *rows) Columns() []string { return r.columns }

// Close implements driver.Rows.
func (*rows) Close() error { return nil }

// Next implements driver.Rows.
func (r *rows) Next(row []driver.Value) error {
	if len(r.values) == 0 {
		return io.EOF
	}
	r.values = r.values[copy(row, r.values):]
	return nil
}
