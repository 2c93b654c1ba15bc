package remotetest

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery/remote"
)

// A queue has the messages that have not been acknowledged. The mu of its Net guards it.
type queue struct {
	ready []*item            // to be delivered, in order
	held  map[*item]struct{} // delivered, or not yet to be delivered again
	ids   map[string]*item   // all of them
	seen  map[string]bool    // the ids that have been enqueued
	more  chan struct{}      // closed when there may be something to deliver
}

// An item is a message in a queue.
type item struct {
	id    string
	data  []byte
	due   time.Time // of a held one: when it is to be delivered again
	until time.Time // the end of its time; zero: none
	times int
}

func (n *Net) queueLocked(name string) *queue {
	q := n.queues[name]
	if q == nil {
		q = &queue{
			held: make(map[*item]struct{}),
			ids:  make(map[string]*item),
			seen: make(map[string]bool),
			more: make(chan struct{}),
		}
		n.queues[name] = q
	}
	return q
}

func (q *queue) wake() {
	close(q.more)
	q.more = make(chan struct{})
}

func (q *queue) add(id string, ttl time.Duration, msg []byte) {
	if q.seen[id] {
		return
	}
	q.seen[id] = true
	it := &item{id: id, data: msg}
	if ttl > 0 {
		it.until = time.Now().Add(ttl)
	}
	q.ids[id] = it
	q.ready = append(q.ready, it)
	q.wake()
}

func (q *queue) forget() {
	q.ready = nil
	clear(q.held)
	clear(q.ids)
	clear(q.seen)
}

// has reports whether the message with that id is in the queue.
func (q *queue) has(id string) bool {
	it := q.ids[id]
	return it != nil && !q.isOver(it)
}

// isOver reports whether the time of a message is over, or it was removed, and removes it.
func (q *queue) isOver(it *item) bool {
	if q.ids[it.id] == it && (it.until.IsZero() || it.until.After(time.Now())) {
		return false
	}
	q.remove(it)
	return true
}

func (q *queue) remove(it *item) {
	delete(q.held, it)
	if q.ids[it.id] == it {
		delete(q.ids, it.id)
	}
}

// size returns the number of messages.
func (q *queue) size() int {
	for _, it := range q.ids {
		q.isOver(it)
	}
	return len(q.ids)
}

// take returns messages that are due, and when the next one will be if none is.
func (q *queue) take(most int, hold time.Duration) (got []*item, next time.Time) {
	now := time.Now()
	var again []*item
	for it := range q.held {
		switch {
		case q.isOver(it):
		case !it.due.After(now):
			delete(q.held, it)
			again = append(again, it)
		case next.IsZero() || it.due.Before(next):
			next = it.due
		}
	}
	slices.SortFunc(again, func(a, b *item) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	q.ready = append(q.ready, again...)
	for len(q.ready) > 0 && len(got) < most {
		it := q.ready[0]
		q.ready = q.ready[1:]
		if !q.isOver(it) {
			it.due = now.Add(hold)
			it.times++
			q.held[it] = struct{}{}
			got = append(got, it)
		}
	}
	return got, next
}

// putBack delivers a message again after the delay.
func (q *queue) putBack(it *item, delay time.Duration) {
	if _, ok := q.held[it]; ok {
		it.due = time.Now().Add(delay)
		q.wake()
	}
}

// Pull implements [remote.Engine].
func (h *host) Pull(name string) (remote.Source, error) { return &source{h, name}, nil }

type source struct {
	host *host
	name string
}

// Next implements [remote.Source].
func (s *source) Next(ctx context.Context, most int, fn func(remote.Delivery)) error {
	n := s.host.net
	for ctx.Err() == nil {
		n.mu.Lock()
		q := n.queueLocked(s.name)
		var got []*item
		next := time.Now().Add(time.Second)
		if !n.partedLocked(s.host.name, server) && !n.partedLocked(server, s.host.name) {
			var due time.Time
			if got, due = q.take(most, n.faults.Hold); !due.IsZero() {
				next = due
			} else {
				next = time.Now().Add(time.Hour)
			}
		}
		more := q.more
		n.mu.Unlock()
		delivered := 0
		for _, it := range got {
			// What is lost on its way is delivered again after a while.
			d := delivery{s, it, it.times}
			for _, delay := range n.decide(Message{server, s.name, "deliver", it.data}, s.host.name) {
				if cancel.Sleep(ctx, delay) != nil {
					return nil
				}
				if delivered++; delivered <= most {
					fn(d)
				}
			}
		}
		if delivered > 0 {
			return nil
		}
		timer := time.NewTimer(time.Until(next))
		select {
		case <-more:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
	return nil
}

type delivery struct {
	source *source
	item   *item
	times  int
}

// Data implements [remote.Delivery].
func (d delivery) Data() []byte { return append([]byte(nil), d.item.data...) }

// Times implements [remote.Delivery].
func (d delivery) Times() int { return d.times }

// Ack implements [remote.Delivery].
func (d delivery) Ack() error {
	n := d.source.host.net
	n.send(Message{d.source.host.name, d.source.name, "ack", d.item.data}, server, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.queueLocked(d.source.name).remove(d.item)
	})
	return nil
}

// Nak implements [remote.Delivery].
func (d delivery) Nak(delay time.Duration) error {
	n := d.source.host.net
	n.send(Message{d.source.host.name, d.source.name, "nak", d.item.data}, server, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.queueLocked(d.source.name).putBack(d.item, delay)
	})
	return nil
}
