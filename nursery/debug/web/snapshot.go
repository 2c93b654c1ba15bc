package web

import (
	"context"
	"slices"
	"time"

	"github.com/grove-go/grove/nursery/debug"
)

// sharing is how long a snapshot is shared.
const sharing = 200 * time.Millisecond

// patience is how long requests wait for a snapshot that another request takes. A method
// Error of the program, or a function of [Redact], may block for good.
const patience = 5 * time.Second

// A taken is a snapshot that has been taken. It is not changed any more.
type taken struct {
	*debug.Snapshot
	at time.Time
}

// A taking is a snapshot that a request takes.
type taking struct {
	since time.Time
	done  chan struct{} // closed when it has been taken
}

// take returns a snapshot, which may be a recent one. It returns nil if the client has gone.
func (h *handler) take(ctx context.Context, v variant) *debug.Snapshot {
	for {
		h.mu.Lock()
		if t := h.recent[v]; t != nil && time.Since(t.at) < sharing {
			h.mu.Unlock()
			return t.Snapshot
		}
		other := h.taking
		if other == nil || time.Since(other.since) >= patience {
			own := &taking{time.Now(), make(chan struct{})}
			h.taking = own
			h.mu.Unlock()
			return h.takeNow(v, own)
		}
		h.mu.Unlock()
		timer := time.NewTimer(time.Until(other.since.Add(patience)))
		select {
		case <-other.done:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
		timer.Stop()
	}
}

// takeNow takes a snapshot. It holds no lock while the program's code runs.
func (h *handler) takeNow(v variant, own *taking) *debug.Snapshot {
	var t *taken
	defer func() { // even if the program's code panics
		h.mu.Lock()
		defer h.mu.Unlock()
		if t != nil {
			h.recent[v] = t
		}
		if h.taking == own {
			h.taking = nil
		}
		close(own.done)
	}()
	opts := slices.Clone(h.config.take)
	if v.noStacks {
		opts = append(opts, debug.NoStacks())
	}
	if v.unfold {
		opts = append(opts, debug.Unfolded())
	}
	s := debug.Take(opts...)
	if h.redact != nil {
		redact(s, h.redact)
	}
	t = &taken{s, time.Now()}
	time.AfterFunc(sharing, func() { // do not keep it in memory
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.recent[v] == t {
			delete(h.recent, v)
		}
	})
	return s
}

// redact replaces the texts in a snapshot that are from the program's data.
func redact(s *debug.Snapshot, f func(string) string) {
	replace := func(texts ...*string) {
		for _, t := range texts {
			if *t != "" {
				*t = f(*t)
			}
		}
	}
	for i := range s.Warnings {
		replace(&s.Warnings[i].Name, &s.Warnings[i].Text)
	}
	for i := range s.Deadlines {
		replace(&s.Deadlines[i].Scope, &s.Deadlines[i].Owner)
	}
	scope := func(c *debug.Scope) {
		if c == nil {
			return
		}
		replace(&c.Name)
		if c.Canceled != nil {
			replace(&c.Canceled.Error, &c.Canceled.Reason)
		}
	}
	labels := func(groups []*debug.Group) {
		for _, g := range groups {
			replace(&g.Label)
		}
	}
	labels(s.Others)
	labels(s.Profile)
	nursery := func(n *debug.Nursery) {
		replace(&n.Name)
		scope(n.Scope)
		for i := range n.Failures {
			replace(&n.Failures[i])
		}
	}
	task := func(_ *debug.Nursery, t *debug.Task) {
		replace(&t.Name, &t.Label)
		labels(t.Escaped)
		for _, c := range t.Scopes {
			scope(c)
		}
	}
	walk(s.Roots, nursery, task)
}

// walk calls nursery for each nursery of a tree, and task for each task and each body in it.
// A nursery comes before what is below it.
func walk(tree []*debug.Nursery, nursery func(*debug.Nursery), task func(*debug.Nursery, *debug.Task)) {
	for _, n := range tree {
		nursery(n)
		for _, t := range append([]*debug.Task{n.Body}, n.Tasks...) {
			if t == nil {
				continue
			}
			task(n, t)
			walk(t.Nurseries, nursery, task)
		}
	}
}

// under returns a snapshot of a node and what is below it, or nil if the tree lacks the node.
// A task comes with the line of its nursery. The counts are of the whole program.
func under(s *debug.Snapshot, id string) *debug.Snapshot {
	var root, body *debug.Nursery
	walk(s.Roots, func(n *debug.Nursery) {
		if n.ID == id {
			root = n
		}
	}, func(n *debug.Nursery, t *debug.Task) {
		switch {
		case root != nil || t.ID != id && !slices.Contains(t.IDs, id):
		case t != n.Body:
			alone := *n
			alone.Body, alone.Tasks, alone.More = nil, []*debug.Task{t}, 0
			root = &alone
		case body == nil:
			body = n
		}
	})
	if root == nil {
		root = body // of a goroutine that is not a task
	}
	if root == nil {
		return nil
	}
	below := make(map[string]bool)
	walk([]*debug.Nursery{root}, func(n *debug.Nursery) { below[n.ID] = true }, func(_ *debug.Nursery, t *debug.Task) {
		below[t.ID] = true
		for _, id := range t.IDs {
			below[id] = true
		}
	})
	if root != body && root.ID != id {
		delete(below, root.ID) // not asked for
	}
	part := warningsOf(s)
	part.Roots = []*debug.Nursery{root}
	part.Warnings = slices.DeleteFunc(slices.Clone(s.Warnings), func(w debug.Warning) bool { return !below[w.Node] })
	part.Deadlines = slices.DeleteFunc(slices.Clone(s.Deadlines), func(d debug.Deadline) bool { return !below[d.Node] })
	return part
}

// warningsOf returns a snapshot that has the warnings and counts of s, and no tree.
func warningsOf(s *debug.Snapshot) *debug.Snapshot {
	part := *s
	part.Deadlines, part.Roots, part.Others, part.More = []debug.Deadline{}, []*debug.Nursery{}, []*debug.Group{}, 0
	part.Profile, part.MoreStacks = nil, 0
	return &part
}

// withStacks returns a copy of a snapshot with the stacks of these goroutines alone.
func withStacks(s *debug.Snapshot, ids map[string]bool) *debug.Snapshot {
	var nursery func(n *debug.Nursery) *debug.Nursery
	task := func(t *debug.Task) *debug.Task {
		c := *t
		if !ids[t.ID] {
			c.Stack = nil
		}
		c.Nurseries = each(t.Nurseries, nursery)
		return &c
	}
	nursery = func(n *debug.Nursery) *debug.Nursery {
		c := *n
		if n.Body != nil {
			c.Body = task(n.Body)
		}
		c.Tasks = each(n.Tasks, task)
		return &c
	}
	c := *s
	c.Roots = each(s.Roots, nursery)
	return &c
}

// each returns what f makes of each element.
func each[T any](list []T, f func(T) T) []T {
	made := make([]T, len(list))
	for i, v := range list {
		made[i] = f(v)
	}
	return made
}
