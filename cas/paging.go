package cas

import (
	"cmp"

	"chancery"
)

const maxKeyword = 256

// page reads CurrentPage and ShowSize, 0 where they were not given. More rows
// than a page may have are not refused: the page is then shorter, as its
// ShowSize tells.
func page(current, size int64) (chancery.Page, error) {
	if current < 0 {
		return chancery.Page{}, chancery.Errorf(chancery.InvalidParameter, "CurrentPage: pages are counted from 1")
	}
	if size < 0 {
		return chancery.Page{}, chancery.Errorf(chancery.InvalidParameter, "ShowSize: a page has 1 to %d rows", chancery.MaxPageSize)
	}
	return chancery.Page{
		Number: cmp.Or(current, 1),
		Size:   min(cmp.Or(size, chancery.DefaultPageSize), chancery.MaxPageSize),
	}, nil
}

// rows is what a list answers: never nil, so that an empty one is [] in JSON.
func rows[From, To any](list []From, row func(From) To) []To {
	out := make([]To, len(list))
	for i, entry := range list {
		out[i] = row(entry)
	}
	return out
}
