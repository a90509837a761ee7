package store

import (
	"strings"

	"chancery"
)

// containing is the LIKE pattern, under ESCAPE '!', of texts with the keyword in them.
func containing(keyword string) string {
	return "%" + strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(keyword) + "%"
}

// rangeOf is a page as LIMIT and OFFSET.
func rangeOf(page chancery.Page) (size, skip int32) {
	return int32(min(page.Size, chancery.MaxPageSize)), int32(page.Offset()) //nolint:gosec // both are in range, see chancery.Page
}
