package store

import (
	"fmt"
	"sync"

	"chancery"
	"chancery/store/query"
)

// ofProduct leaves the orders of a product among the numbers. The sets in the database
// know nothing of products, so a block's orders are read, once: the product of an order
// never changes, and no number is given out twice.
func (t *tx) ofProduct(account chancery.AccountID, among numbers, product string) error {
	newest := int64(-1)
	for block := range among {
		newest = max(newest, block)
	}
	for block, set := range among {
		products, err := t.blockProducts(account, block, block < newest)
		if err != nil {
			return err
		}
		of := products[product]
		for number := range set.falling() {
			if of == nil || !of.has(number) {
				set.remove(number)
			}
		}
	}
	return nil
}

// blockProducts gives which of a block's numbers are orders of which product; the sets
// must not be changed. A block that is full, as all but the newest are, is kept.
func (t *tx) blockProducts(account chancery.AccountID, block int64, full bool) (map[string]*blockSet, error) {
	key := textKey{account, block}
	if products := t.products.get(key); products != nil {
		return products, nil
	}
	rows, err := t.sql.ListedProducts(t.ctx, query.ListedProductsParams{
		AccountID: int64(account), First: block * blockSize, Last: block*blockSize + blockSize - 1, Kind: string(chancery.ListOrder),
	})
	if err != nil {
		return nil, fmt.Errorf("reading the products of a list: %w", err)
	}
	products := map[string]*blockSet{}
	for _, row := range rows {
		if products[row.ProductCode] == nil {
			products[row.ProductCode] = &blockSet{}
		}
		products[row.ProductCode].add(row.Seq % blockSize)
	}
	if full {
		t.products.put(key, products)
	}
	return products, nil
}

// productCache keeps the products of full blocks, for reading transactions alone, as
// textCache keeps texts. A nil one keeps nothing.
type productCache struct {
	mu     sync.Mutex // guards blocks, not what is in them: that stays as it is
	blocks map[textKey]map[string]*blockSet
}

// productBlocks is two million orders' worth; then all is forgotten.
const productBlocks = 1000

func (c *productCache) get(key textKey) map[string]*blockSet {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.blocks[key]
}

func (c *productCache) put(key textKey, products map[string]*blockSet) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.blocks == nil || len(c.blocks) >= productBlocks {
		c.blocks = map[textKey]map[string]*blockSet{}
	}
	c.blocks[key] = products
}
