package debug

import (
	"slices"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
)

// keepBelow removes what is not below a scope.
func (b *builder) keepBelow(scope *cancel.Scope) {
	scopes := make(map[uint64]bool)
	for _, s := range live.DescribeScopes(scope, maxScopes, func(uintptr) bool { return false }) {
		scopes[uint64(s.Addr)] = true
	}
	for addr := range b.scopes {
		if !scopes[addr] {
			delete(b.scopes, addr)
		}
	}
	kept, inside := make(map[*Nursery]bool), make(map[*Nursery]bool)
	for _, n := range b.order {
		if r := b.records[nurseryAddr(n)]; r != nil && scopes[uint64(live.Addr(r.info.Scope))] {
			kept[n] = true
			markInside(n, kept, inside)
		}
	}
	b.order = slices.DeleteFunc(b.order, func(n *Nursery) bool { return !kept[n] })
	other := func(p *part) bool { return !kept[p.nursery] }
	b.leaves, b.joining = slices.DeleteFunc(b.leaves, other), slices.DeleteFunc(b.joining, other)
	b.parked = slices.DeleteFunc(b.parked, func(p parking) bool { return other(p.part) })
	b.orphans, b.Others, b.Profile, b.MoreStacks = nil, []*Group{}, nil, 0
	b.Roots, b.Counts = []*Nursery{}, Counts{}
	for _, n := range b.order {
		if !inside[n] {
			b.Roots = append(b.Roots, n)
		}
		b.count(n)
		for _, t := range n.Tasks {
			switch {
			case t.Stack != nil || len(t.Nurseries) > 0:
				b.Counts.Tasks++
			case t.WaitsFor == "to begin":
				b.Counts.NotBegun++
			}
			for _, g := range t.Escaped {
				b.Counts.Escaped += g.Count
			}
		}
	}
	slices.SortFunc(b.Roots, oldest)
}

// markInside marks the nurseries inside n, which is marked as kept, as kept and inside.
func markInside(n *Nursery, kept, inside map[*Nursery]bool) {
	for _, t := range append([]*Task{n.Body}, n.Tasks...) {
		if t == nil {
			continue
		}
		for _, c := range t.Nurseries {
			if !inside[c] {
				kept[c], inside[c] = true, true
				markInside(c, kept, inside)
			}
		}
	}
}
