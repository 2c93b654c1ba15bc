package cancel

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/internal/live"
)

// describe is live.DescribeScope.
func describe(ctx context.Context) live.ScopeInfo {
	s := ctx.(*Scope)
	info := live.ScopeInfo{
		Addr:     live.Addr(s),
		Name:     s.Name(),
		Shielded: s.is(shielded),
		Stopping: s.is(stopping),
	}
	// As Deadline does, but without the contexts of other types.
	for x := s; x != nil; x = x.up {
		if c := x.clock.Load(); c != nil {
			d := x.shownDeadline(c)
			if x == s {
				info.OwnDeadline = d
			}
			if !d.IsZero() && (info.Deadline.IsZero() || d.Before(info.Deadline)) {
				info.Deadline = d
			}
		}
		if x.is(shielded) {
			break
		}
	}
	if m := s.more.Load(); m != nil {
		s.mu.Lock()
		info.GraceDue = m.graceDue
		s.mu.Unlock()
	}
	if e := s.state.Load(); e != nil {
		info.Canceled = &live.Canceled{At: e.at, Err: e.err, Closed: e.source == SourceClosed}
		if r := e.reason(); e.cause == e.err {
			info.Canceled.Reason = r.String()
		} else {
			info.Canceled.Reason = fmt.Sprintf("%v: %v", r, r.Cause)
		}
	}
	return info
}

// describeBelow is live.DescribeScopes.
func describeBelow(ctx context.Context, limit int, skip func(addr uintptr) bool) (infos []live.ScopeInfo) {
	todo := []*Scope{ctx.(*Scope)}
	for len(todo) > 0 && len(infos) < limit {
		s := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if skip(live.Addr(s)) {
			continue
		}
		s.mu.Lock()
		for c := s.kids; c != nil && len(todo) < limit; c = c.next {
			if !c.is(isListener) {
				todo = append(todo, c)
			}
		}
		s.mu.Unlock()
		infos = append(infos, describe(s))
	}
	return infos
}

// canceledAt is live.CanceledAt.
func canceledAt(ctx context.Context) int64 {
	if e := ctx.(*Scope).state.Load(); e != nil && e.source != SourceClosed {
		return e.at
	}
	return 0
}
