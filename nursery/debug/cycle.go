package debug

import (
	"cmp"
	"slices"
	"strings"
)

// A parking is a part that waits for the object at an address.
type parking struct {
	*part
	addr uint64
}

// warnOfCycles adds a warning for each cycle of tasks that wait for each other: by
// Task.Wait, Start or Shared.Do, at the end of a nursery for its tasks, or for their turn
// under a limit.
func (b *builder) warnOfCycles() {
	next := make(map[*Task][]*Task)
	byID := make(map[string]*Task)
	for _, p := range slices.Concat(b.leaves, b.joining) {
		byID[p.task.ID] = p.task // the innermost part of the goroutine
	}
	for t := range b.queued {
		byID[t.ID] = t
	}
	for _, p := range b.parked {
		if t := b.scoped[p.addr]; t != nil {
			next[p.task] = append(next[p.task], byID[t.ID])
		}
	}
	for _, p := range b.joining {
		for _, t := range p.nursery.Tasks {
			// A daemon is canceled in the end, so the nursery does not wait for what it waits for.
			if in := byID[t.ID]; in != nil && !t.Daemon {
				next[p.task] = append(next[p.task], in)
			}
		}
	}
	for t, n := range b.queued {
		var workers []*Task
		for _, w := range n.Tasks {
			if w.Worker {
				workers = append(workers, byID[w.ID])
			}
		}
		if r := b.records[nurseryAddr(n)]; len(workers) == r.info.Limit { // else another is on its way
			next[t] = workers
		}
	}
	b.dropWaitsThatEnd(next)
	reported := make(map[*Task]bool)
	for _, p := range b.parked {
		path := cycle(p.task, next)
		if path == nil || slices.ContainsFunc(path, func(t *Task) bool { return reported[t] }) {
			continue
		}
		var names []string
		for _, t := range append(path, path[0]) {
			reported[t] = true
			names = append(names, cmp.Or(t.Name, t.Function, "a task")+" "+t.ID)
		}
		b.add("cycle", p.task.ID, cmp.Or(p.task.Name, p.task.Function), 0, "waits for itself: "+strings.Join(names, " → "), p.task.At)
	}
}

// dropWaitsThatEnd removes the tasks that may go on: tasks that wait for none that is left, and
// tasks that wait for their turn while one of the workers may go on.
func (b *builder) dropWaitsThatEnd(next map[*Task][]*Task) {
	for changed := true; changed; {
		changed = false
		for t, others := range next {
			goesOn := func(t *Task) bool { return len(next[t]) == 0 }
			if b.queued[t] != nil && slices.ContainsFunc(others, goesOn) || b.queued[t] == nil && !slices.ContainsFunc(others, func(t *Task) bool { return !goesOn(t) }) {
				delete(next, t)
				changed = true
			}
		}
	}
}

// cycle returns the shortest way from a task to itself, or nil.
func cycle(start *Task, next map[*Task][]*Task) []*Task {
	from := map[*Task]*Task{}
	queue := []*Task{start}
	for len(queue) > 0 {
		t := queue[0]
		queue = queue[1:]
		for _, n := range next[t] {
			if n == start {
				path := []*Task{}
				for ; t != start; t = from[t] {
					path = append(path, t)
				}
				path = append(path, start)
				slices.Reverse(path)
				return path
			}
			if from[n] == nil {
				from[n] = t
				queue = append(queue, n)
			}
		}
	}
	return nil
}
