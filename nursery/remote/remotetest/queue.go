package remotetest

import (
	"context"
	"time"

	"github.com/grove-go/grove/nursery/remote"
)

// A queue has the messages that have not been acknowledged. The mu of its Net guards it.
type queue struct {
	items []*item
	seen  map[string]bool // the ids that have been enqueued
	more  chan struct{}   // closed when there may be something to deliver
}

// An item is a message in a queue.
type item struct {
	id    string
	data  []byte
	due   time.Time // not to be delivered before that
	until time.Time // the end of its time; zero: none
	times int
}

func (n *Net) queueLocked(name string) *queue {
	q := n.queues[name]
	if q == nil {
		q = &queue{seen: make(map[string]bool), more: make(chan struct{})}
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
	it := &item{id: id, data: msg, due: time.Now()}
	if ttl > 0 {
		it.until = it.due.Add(ttl)
	}
	q.items = append(q.items, it)
	q.wake()
}

func (q *queue) forget() {
	q.items = nil
	clear(q.seen)
}

// expire drops the messages whose time is over.
func (q *queue) expire() {
	now := time.Now()
	kept := q.items[:0]
	for _, it := range q.items {
		if it.until.IsZero() || it.until.After(now) {
			kept = append(kept, it)
		}
	}
	clear(q.items[len(kept):])
	q.items = kept
}

func (q *queue) has(id string) bool {
	q.expire()
	for _, it := range q.items {
		if it.id == id {
			return true
		}
	}
	return false
}

func (q *queue) remove(it *item) {
	for i, x := range q.items {
		if x == it {
			q.items = append(q.items[:i:i], q.items[i+1:]...)
			return
		}
	}
}

// take returns messages that are due, and when the next one will be if none is.
func (q *queue) take(most int, hold time.Duration) (got []*item, next time.Time) {
	q.expire()
	now := time.Now()
	for _, it := range q.items {
		switch {
		case it.due.After(now):
			if next.IsZero() || it.due.Before(next) {
				next = it.due
			}
		case len(got) < most:
			it.due = now.Add(hold)
			it.times++
			got = append(got, it)
		}
	}
	return got, next
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
				time.Sleep(delay)
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
		q := n.queueLocked(d.source.name)
		d.item.due = time.Now().Add(delay)
		q.wake()
	})
	return nil
}
