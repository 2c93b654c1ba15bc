package debug

import (
	"cmp"
	"fmt"
	"slices"
)

// fold replaces the tasks of each nursery that are alike by one entry, and cuts off what is
// too much.
func (b *builder) fold() {
	for _, n := range b.order {
		byKey := make(map[likeness]*Task)
		tasks := n.Tasks[:0:0]
		for _, t := range n.Tasks {
			key, alike := likenessOf(t)
			if first := byKey[key]; alike && first != nil {
				if first.Fold == 0 {
					first.Fold, first.IDs = 1, []string{first.ID}
				}
				first.Fold++
				if len(first.IDs) < maxIDs {
					first.IDs = append(first.IDs, t.ID)
				}
				continue
			}
			if alike {
				byKey[key] = t
			}
			tasks = append(tasks, t)
		}
		n.Tasks, n.More = cut(tasks, maxChildren)
	}
	b.Others, b.More = cut(b.Others, maxChildren)
}

// cut returns the first of s, and how many others there are.
func cut[T any](s []T, most int) ([]T, int) {
	if len(s) <= most {
		return s, 0
	}
	return s[:most], len(s) - most
}

// A likeness is what tasks have in common that share an entry.
type likeness struct {
	name, function, waitsFor, on, label string
	worker, daemon                      bool
	at                                  Place
}

// likenessOf returns the likeness of a task, and reports false if the task has something of
// its own to say.
func likenessOf(t *Task) (like likeness, ok bool) {
	if len(t.Nurseries) > 0 || len(t.Escaped) > 0 {
		return like, false
	}
	for _, s := range t.Scopes {
		if s.Canceled != nil || s.Deadline != nil && s.Own || s.Shielded {
			return like, false
		}
	}
	like = likeness{t.Name, t.Function, t.WaitsFor, t.On, t.Label, t.Worker, t.Daemon, Place{}}
	if t.At != nil {
		like.at = *t.At
	}
	return like, true
}

// maxDeadlines is how many deadlines a snapshot lists.
const maxDeadlines = 10

// listDeadlines lists the deadlines that are next to pass.
func (b *builder) listDeadlines() {
	if b.wall.IsZero() {
		return
	}
	owners := make(map[string][2]string) // the names and IDs of what scopes belong to
	for _, n := range b.order {
		if n.Scope != nil {
			owners[n.Scope.ID] = [2]string{n.Name, n.ID}
		}
		for _, t := range append([]*Task{n.Body}, n.Tasks...) {
			if t == nil {
				continue
			}
			for _, s := range t.Scopes {
				owners[s.ID] = [2]string{cmp.Or(t.Name, t.Function), t.ID}
			}
		}
	}
	for addr, s := range b.scopes {
		if s.OwnDeadline.IsZero() || s.Canceled != nil || b.foreign[addr] {
			continue
		}
		owner := owners[fmt.Sprintf("s%x", addr)]
		b.Deadlines = append(b.Deadlines, Deadline{In: s.OwnDeadline.Sub(b.wall), At: s.OwnDeadline, Scope: s.Name, Owner: owner[0], Node: owner[1]})
	}
	slices.SortFunc(b.Deadlines, func(x, y Deadline) int {
		return cmp.Or(x.At.Compare(y.At), cmp.Compare(x.Scope, y.Scope), cmp.Compare(x.Node, y.Node))
	})
	b.Deadlines, _ = cut(b.Deadlines, maxDeadlines)
}
