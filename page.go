package chancery

// Page is a part of a list: its number, counted from 1, and the most rows it has,
// MaxPageSize or less.
type Page struct{ Number, Size int64 }

// The sizes of a page.
const (
	DefaultPageSize = 50
	MaxPageSize     = 100
)

// Offset is how many rows stand before the page, always below 2^31.
func (p Page) Offset() int64 {
	const farthest = 1 << 24 // in pages; no list is that long
	return min(p.Number-1, farthest) * p.Size
}
