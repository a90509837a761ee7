package console

import (
	"chancery"
	"chancery/cas"
)

// ordersData is a page of the list of orders.
type ordersData struct {
	Form     *form
	Rows     []cas.CertificateOrder
	Total    int64
	Paging   paging
	Statuses []chancery.CertificateStatus
	Products chancery.Catalogue
	Tag      tagFilter
	// Filtered: not all orders are asked for.
	Filtered bool
	MayApply bool
}

func listOrders(p *page) error {
	f, tag := p.form(), p.tagFilter()
	data := ordersData{
		Form: f, Statuses: chancery.ListStatuses, Products: p.console.Catalogue, MayApply: p.mayDo(applyAction),
		Filtered: f.Get("Keyword") != "" || f.Get("Status") != "" || f.Get("ProductCode") != "" || f.Get("group") != "" || tag.Key != "", Tag: tag,
	}
	list, err := call[cas.ListUserCertificateOrderOutput](p, "OrdersOfProduct", cas.OrdersOfProductInput{
		Status: f.Get("Status"), Keyword: f.Get("Keyword"), ProductCode: f.Get("ProductCode"), ResourceGroupId: f.Get("group"),
		TagKey: tag.Key, TagValue: tag.Value, CurrentPage: p.pageNumber(), ShowSize: pageSize,
	})
	if err != nil {
		if err := p.refuse(f, err, "Keyword", "Status"); err != nil {
			return err
		}
		return p.render("orders", data)
	}
	data.Rows, data.Total, data.Paging = list.CertificateOrderList, list.TotalCount, p.paging(list.TotalCount)
	return p.render("orders", data)
}
