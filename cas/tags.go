package cas

import (
	"cmp"
	"context"

	"chancery"
)

// TagsInput is what Tags takes: the tag that the page begins with, or would if it were
// in use. Empty: the first.
type TagsInput struct{ FromKey, FromValue string }

// Tags are a page of those that an account has something with, by key and value.
type Tags struct {
	Tags []chancery.TagUse
	// Next is the tag that the next page begins with; without a key there is none.
	Next chancery.Tag
}

// tagsShown is how many tags a page has. An account may have any number: some keys have
// a value for each order.
const tagsShown = 200

// Tags counts the orders and certificates with each tag.
func (s *Service) Tags(ctx context.Context, caller chancery.Caller, in *TagsInput) (*Tags, error) {
	err := cmp.Or(
		chancery.CheckText("FromKey", in.FromKey, chancery.MaxTagChars),
		chancery.CheckText("FromValue", in.FromValue, chancery.MaxTagChars),
	)
	if err != nil {
		return nil, err
	}
	out := &Tags{}
	err = s.Store.Read(ctx, func(tx chancery.Tx) (err error) {
		out.Tags, err = tx.Tags(caller.AccountID, chancery.Tag{Key: in.FromKey, Value: in.FromValue}, tagsShown+1)
		return err
	})
	if len(out.Tags) > tagsShown {
		out.Tags, out.Next = out.Tags[:tagsShown], out.Tags[tagsShown].Tag
	}
	return out, err
}

// wantedTag reads what a list is narrowed to: a tag with exactly this value. Without a
// key it is any.
func wantedTag(key, value string) (chancery.Tag, error) {
	return chancery.Tag{Key: key, Value: value}, cmp.Or(
		chancery.CheckText("TagKey", key, chancery.MaxTagChars),
		chancery.CheckText("TagValue", value, chancery.MaxTagChars),
	)
}
