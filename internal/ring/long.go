package ring

// A Long is a Queue that may become long. It goes on in further rings, where a Queue would
// copy all elements to a ring of twice the size. Its zero value is empty.
type Long[T any] struct {
	first Queue[T]         // the oldest elements
	later Queue[*Queue[T]] // the other elements; all rings but the last are full
	last  *Queue[T]        // in later, or nil
	len   int
}

// most is how many elements a ring of a Long has.
const most = 512

// Len returns how many elements are in the queue.
func (l *Long[T]) Len() int { return l.len }

// Push adds v at the end.
func (l *Long[T]) Push(v T) {
	l.len++
	if l.last == nil && l.first.len < most {
		l.first.Push(v)
	} else {
		l.pushLater(v)
	}
}

func (l *Long[T]) pushLater(v T) {
	if l.last == nil || l.last.len == most {
		l.last = &Queue[T]{buf: make([]T, most)}
		l.later.Push(l.last)
	}
	l.last.Push(v)
}

// Pop returns the oldest element of a queue that is not empty, and takes it out.
func (l *Long[T]) Pop() T {
	l.len--
	v := l.first.Pop()
	if l.last != nil && l.first.len == 0 {
		l.advance()
	}
	return v
}

// advance makes the next ring the first, which is empty.
func (l *Long[T]) advance() {
	l.first = *l.later.Pop()
	if l.later.len == 0 {
		l.last = nil
	}
}
