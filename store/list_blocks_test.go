package store

import (
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBlockSetAgreesWithAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var set blockSet
		want := map[int64]bool{}
		number := rapid.Int64Range(0, blockSize-1)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				n := number.Draw(t, "number")
				set.add(n)
				want[n] = true
			},
			"remove": func(t *rapid.T) {
				n := number.Draw(t, "number")
				set.remove(n)
				delete(want, n)
			},
			"": func(t *rapid.T) {
				falling := slices.Sorted(maps.Keys(want))
				slices.Reverse(falling)
				if got := slices.Collect(set.falling()); !slices.Equal(got, falling) || set.count() != int64(len(want)) {
					t.Fatalf("the set is %v, not %v", got, falling)
				}
				if n := number.Draw(t, "number"); set.has(n) != want[n] {
					t.Fatalf("it has %d: %v", n, set.has(n))
				}
				if stored, err := blockSetOf(set.bytes()); err != nil || stored != set {
					t.Fatalf("it comes back as %v, %v", stored, err)
				}
			},
		})
	})
}

func TestBlockSetOfOtherBytes(t *testing.T) {
	for _, stored := range [][]byte{nil, make([]byte, blockSize/8-1), make([]byte, blockSize/8+1)} {
		if _, err := blockSetOf(stored); err == nil {
			t.Errorf("%d bytes are a set", len(stored))
		}
	}
}

func TestNewest(t *testing.T) {
	set := func(members ...int64) *blockSet {
		var s blockSet
		for _, number := range members {
			s.add(number)
		}
		return &s
	}
	n := numbers{0: set(0, 63, blockSize-1), 1: set(), 3: set(5), 7: set(64)}
	all := []int64{7*blockSize + 64, 3*blockSize + 5, blockSize - 1, 63, 0}
	if n.count() != int64(len(all)) {
		t.Errorf("there are %d", n.count())
	}
	for skip := range len(all) + 2 {
		for most := range len(all) + 2 {
			begin := min(skip, len(all))
			if got, want := n.newest(int64(skip), int64(most)), all[begin:min(begin+most, len(all))]; !slices.Equal(got, want) {
				t.Errorf("after %d, at most %d: %v, not %v", skip, most, got, want)
			}
		}
	}
}
