package console

import "strconv"

// pageSize is how many rows a list shows.
const pageSize = 25

// paging is the strip below a list: {{template "paging" .Data.Paging}}.
type paging struct {
	Page, Pages, Total int64
	Prev, Next         string // links; empty where there is none
}

// pageNumber is the page of a list that is asked for, from 1.
func (p *page) pageNumber() int64 {
	n, err := strconv.ParseInt(p.r.URL.Query().Get("page"), 10, 32)
	if err != nil || n < 1 {
		return 1
	}
	return n
}

// paging makes the strip of a list that has total rows; links keep the query.
func (p *page) paging(total int64) paging {
	s := paging{Page: p.pageNumber(), Pages: max(1, (total+pageSize-1)/pageSize), Total: total}
	link := func(n int64) string {
		query := p.r.URL.Query()
		query.Set("page", strconv.FormatInt(n, 10))
		query.Del("part")
		return "?" + query.Encode()
	}
	if s.Page > 1 {
		s.Prev = link(min(s.Page-1, s.Pages))
	}
	if s.Page < s.Pages {
		s.Next = link(s.Page + 1)
	}
	return s
}
