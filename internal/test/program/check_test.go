package program_test

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// collect adds the failures and panics in err to ids.
func collect(ids map[int64]bool, err error) {
	for leaf := range nursery.Leaves(err) {
		switch e := leaf.(type) {
		case failureID:
			ids[int64(e)] = true
		case *nursery.PanicError:
			if id, ok := e.Value.(panicID); ok {
				ids[int64(id)] = true
			}
			for _, o := range e.Others {
				collect(ids, o)
			}
		}
	}
}

// collectOwn is like collect for the ending of a member, but ignores a cause that the
// member returned.
func (b *block) collectOwn(ids map[int64]bool, e *outcome) {
	switch v := e.value.(type) {
	case panicID:
		ids[int64(v)] = true
	case *nursery.PanicError:
		collect(ids, v)
	}
	if e.err != nil && !isCause(e.err) {
		collect(ids, e.err)
	}
}

// isCause reports whether err is the cause of a nursery's cancellation, returned by a
// task.
func isCause(err error) bool {
	_, ok := err.(*nursery.TaskError)
	return ok
}

// check compares the result of Run with the endings of the members.
func (b *block) check(how string, err error, v any) {
	p := b.p
	b.mu.Lock()
	defer b.mu.Unlock()
	if n := b.alive.Load(); n != 0 {
		p.t.Errorf("%s: N1: Run %s with %d members alive", p.what, how, n)
	}
	want := "returned"
	given, got := make(map[int64]bool), make(map[int64]bool)
	echoed, foreign := false, false
	reason, canceled := cancel.ReasonOf(b.n.Scope())
	own := canceled && reason.Scope == b.n.Scope().Name()
	failed := own && reason.Source == cancel.SourceTask
	for _, e := range b.members {
		switch {
		case e.how == "":
			p.t.Errorf("%s: N1: Run %s before a task had ended or begun", p.what, how)
		case e.how == "panicked" && !b.safe:
			want = "panicked"
		case e.how == "called Goexit" && want == "returned":
			want = e.how
		}
		b.collectOwn(given, e)
		// A group counts if it contains the cancellation, even if it is not an echo as a
		// whole.
		tells := e.err != nil && e.err == context.Canceled || slices.ContainsFunc(kit.Failures(e.err), func(err error) bool {
			c, ok := err.(*cancel.Error)
			return ok && c.Reason == reason
		})
		echoed = echoed || e.outside && !e.canceled && tells
		// Start in an outer nursery returns that nursery's cancellation.
		c, ok := e.err.(*cancel.Error)
		foreign = foreign || ok && c.Reason != reason
	}
	if how == "called Goexit" && b.safe && b.members[0].how == "panicked" {
		return // the body panicked during a Goexit, which continues
	}
	if how != want {
		p.t.Errorf("%s: Run %s, want Run %s", p.what, how, want)
	}
	switch how {
	case "called Goexit":
		return
	case "panicked":
		pe, ok := v.(*nursery.PanicError)
		if !ok && v == b.members[0].value {
			return // the body's own value, which cannot hold other failures
		}
		if !ok {
			p.t.Errorf("%s: N8: panic(%v), want a *PanicError", p.what, v)
			return
		}
		collect(got, pe)
	default:
		collect(got, err)
		b.checkOrder(err)
		if err != nil {
			if g, ok := err.(*nursery.GroupError); !ok || len(g.Unwrap()) == 0 {
				p.t.Errorf("%s: N3: Run() = %v (%T), want a group that is not empty", p.what, err, err)
			}
		}
		told := slices.ContainsFunc(kit.Failures(err), func(err error) bool { _, ok := err.(*cancel.Error); return ok })
		// Echoes of the daemons' dismissal are dropped, even if an outer scope was
		// canceled later.
		dismissed := own && reason.Source == cancel.SourceClosed
		if echoed && !failed && !dismissed && !told {
			p.t.Errorf("%s: N6: Run() = %+v, want the cancellation", p.what, err)
		}
		if told && failed && !foreign {
			p.t.Errorf("%s: N6: Run() = %+v, want no cancellation because of %v", p.what, err, reason)
		}
	}
	if !maps.Equal(given, got) {
		p.t.Errorf("%s: N3: Run %s with the failures %v, want %v: %+v", p.what, how,
			slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(given)), err)
	}
}

// checkOrder checks that the failures in err are in the order of the members' endings.
func (b *block) checkOrder(err error) {
	var last time.Time
	for _, f := range kit.Failures(err) {
		in := make(map[int64]bool)
		collect(in, f)
		var by *outcome
		for _, e := range b.members {
			ids := make(map[int64]bool)
			b.collectOwn(ids, e)
			if len(in) > 0 && maps.Equal(ids, in) {
				by = e
			}
		}
		if by == nil {
			continue
		}
		if by.at.Before(last) {
			b.p.t.Errorf("%s: N3: %+v: want the failures in order of time", b.p.what, err)
		}
		last = by.at
	}
}
