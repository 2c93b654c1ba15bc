// Package ring provides the queue for waiting tasks and for the values of unbounded
// channels.
package ring

// A Queue is a first-in-first-out queue. Its zero value is empty. It keeps no reference to
// elements that were taken out.
type Queue[T any] struct {
	buf  []T // its length is a power of two, or 0
	head int
	len  int
}

const (
	least = 16   // capacity of a new queue
	keep  = 1024 // capacity that an empty queue keeps at most, so that a burst leaves nothing behind
)

// Len returns how many elements are in the queue.
func (q *Queue[T]) Len() int { return q.len }

// Push adds v at the end.
func (q *Queue[T]) Push(v T) {
	if q.len == len(q.buf) {
		grown := make([]T, max(least, 2*len(q.buf)))
		k := copy(grown, q.buf[q.head:])
		copy(grown[k:], q.buf[:q.head])
		q.buf, q.head = grown, 0
	}
	q.buf[(q.head+q.len)&(len(q.buf)-1)] = v
	q.len++
}

// First returns the oldest element of a queue that is not empty.
func (q *Queue[T]) First() T { return q.buf[q.head] }

// Pop returns the oldest element of a queue that is not empty, and takes it out.
func (q *Queue[T]) Pop() T {
	v := q.buf[q.head]
	var none T
	q.buf[q.head] = none
	q.head = (q.head + 1) & (len(q.buf) - 1)
	q.len--
	if q.len == 0 && len(q.buf) > keep {
		*q = Queue[T]{}
	}
	return v
}
