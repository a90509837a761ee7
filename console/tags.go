package console

import (
	"net/url"

	"chancery"
	"chancery/cas"
)

// tagsData is a page of the tags in use.
type tagsData struct {
	Form *form
	Tags []chancery.TagUse
	// Next leads to the next page; empty on the last.
	Next string
}

func listTags(p *page) error {
	f := p.form()
	data := tagsData{Form: f}
	found, err := call[cas.Tags](p, "Tags", cas.TagsInput{FromKey: f.Get("FromKey"), FromValue: f.Get("FromValue")})
	if err != nil {
		if err := p.refuse(f, err, "FromKey"); err != nil {
			return err
		}
		return p.render("tags", data)
	}
	if data.Tags = found.Tags; found.Next.Key != "" {
		data.Next = "?" + url.Values{"FromKey": {found.Next.Key}, "FromValue": {found.Next.Value}}.Encode()
	}
	return p.render("tags", data)
}

// tagFilter is the tag that a list is narrowed to: {{template "tag-filter" .Data.Tag}}
// shows it, {{template "tag-fields" .Data.Tag}} keeps it in the form of other filters.
type tagFilter struct {
	chancery.Tag
	// Without leads to the list without it, and with what else was asked for.
	Without string
}

// tagFilter reads it from the query; it has no key if there is none.
func (p *page) tagFilter() tagFilter {
	query := p.r.URL.Query()
	tag := chancery.Tag{Key: query.Get("TagKey"), Value: query.Get("TagValue")}
	for _, name := range []string{"TagKey", "TagValue", "page", "part"} {
		query.Del(name)
	}
	return tagFilter{tag, "?" + query.Encode()}
}
