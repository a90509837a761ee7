package work

import (
	"slices"
	"sync"

	"chancery"
)

// watchers are those who wait for a look at the proof of an order, and what follows it,
// to come to an end.
type watchers struct {
	mu      sync.Mutex // guards waiting
	waiting map[chancery.OrderID][]chan struct{}
}

// Watch gives a channel that is closed when an AdvanceOrder step of the order comes to an
// end that this worker had in hand, whatever came of it. forget must be called when nobody
// waits any more. Work that another node does is not seen.
func (w *Worker) Watch(order chancery.OrderID) (ended <-chan struct{}, forget func()) {
	c := make(chan struct{})
	w.watchers.mu.Lock()
	defer w.watchers.mu.Unlock()
	if w.watchers.waiting == nil {
		w.watchers.waiting = map[chancery.OrderID][]chan struct{}{}
	}
	w.watchers.waiting[order] = append(w.watchers.waiting[order], c)
	return c, func() { w.watchers.forget(order, c) }
}

func (w *watchers) forget(order chancery.OrderID, c chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	left := slices.DeleteFunc(w.waiting[order], func(other chan struct{}) bool { return other == c })
	if len(left) == 0 {
		delete(w.waiting, order)
		return
	}
	w.waiting[order] = left
}

// tell wakes those who wait for the order.
func (w *watchers) tell(order chancery.OrderID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.waiting[order] {
		close(c)
	}
	delete(w.waiting, order)
}
