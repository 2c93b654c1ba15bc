package recipes

import (
	"context"
	"sync"

	"github.com/grove-go/grove/nursery"
)

// Keyed runs the tasks of one key one after the other, in the order of the calls of Go,
// and the tasks of different keys concurrently. It must not be copied after first use.
type Keyed[K comparable] struct {
	n  *nursery.Nursery
	mu sync.Mutex // protects the field below

	// Tasks that wait for an earlier task of their key. A key exists while one of its tasks
	// runs.
	waiting map[K][]func(ctx context.Context) error
}

// NewKeyed returns a Keyed that runs its tasks in n.
func NewKeyed[K comparable](n *nursery.Nursery) *Keyed[K] {
	return &Keyed[K]{n: n, waiting: map[K][]func(ctx context.Context) error{}}
}

// Go runs task in the nursery when the earlier tasks of the key have returned.
func (k *Keyed[K]) Go(key K, task func(ctx context.Context) error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tasks, busy := k.waiting[key]
	if busy {
		k.waiting[key] = append(tasks, task)
		return
	}
	k.waiting[key] = nil
	k.start(key, task)
}

func (k *Keyed[K]) start(key K, task func(ctx context.Context) error) {
	k.n.Go(func(ctx context.Context) error {
		defer k.next(key)
		return task(ctx)
	})
}

func (k *Keyed[K]) next(key K) {
	k.mu.Lock()
	defer k.mu.Unlock()
	tasks := k.waiting[key]
	if len(tasks) == 0 {
		delete(k.waiting, key)
		return
	}
	k.waiting[key] = tasks[1:]
	k.start(key, tasks[0])
}
