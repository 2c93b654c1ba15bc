package nursery_test

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
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

// collectOwn is collect for what a member gave, where a cause handed back stands
// for nothing of its own.
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

// isCause reports whether err is what a nursery cancels with, handed back.
func isCause(err error) bool {
	_, ok := err.(*nursery.TaskError)
	return ok
}

// check compares what Run has done with the endings of the members.
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
			p.t.Errorf("%s: N1: Run %s before a task had ended, or even begun", p.what, how)
		case e.how == "panicked" && !b.safe:
			want = "panicked"
		case e.how == "called Goexit" && want == "returned":
			want = e.how
		}
		b.collectOwn(given, e)
		// A group has what says so in it, though it is no echo as a whole.
		tells := e.err != nil && e.err == context.Canceled || slices.ContainsFunc(unwrapGroup(e.err), func(err error) bool {
			c, ok := err.(*cancel.Error)
			return ok && c.Reason == reason
		})
		echoed = echoed || e.outside && !e.canceled && tells
		// Start in a nursery further out gives the cancellation of that.
		c, ok := e.err.(*cancel.Error)
		foreign = foreign || ok && c.Reason != reason
	}
	if how == "called Goexit" && b.safe && b.members[0].how == "panicked" {
		return // a panic of the body in the middle of a Goexit, which goes on
	}
	if how != want {
		p.t.Errorf("%s: Run %s, want that it %s", p.what, how, want)
	}
	switch how {
	case "called Goexit":
		return
	case "panicked":
		pe, ok := v.(*nursery.PanicError)
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
		told := slices.ContainsFunc(unwrapGroup(err), func(err error) bool { _, ok := err.(*cancel.Error); return ok })
		// What the dismissal of the daemons has set off is dropped, also if
		// somebody outside was canceled later.
		dismissed := own && reason.Source == cancel.SourceClosed
		if echoed && !failed && !dismissed && !told {
			p.t.Errorf("%s: N6: Run() = %+v, want the cancellation in it", p.what, err)
		}
		if told && failed && !foreign {
			p.t.Errorf("%s: N6: Run() = %+v, want no cancellation in it, for %v", p.what, err, reason)
		}
	}
	if !maps.Equal(given, got) {
		p.t.Errorf("%s: N3: Run %s with the failures %v, want %v: %+v", p.what, how,
			slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(given)), err)
	}
}

// checkOrder looks at when the members ended whose failures are in err.
func (b *block) checkOrder(err error) {
	var last time.Time
	for _, f := range unwrapGroup(err) {
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
			b.p.t.Errorf("%s: N3: %+v: want the order in which they failed", b.p.what, err)
		}
		last = by.at
	}
}

// unwrapGroup returns the failures in err if it is a group.
func unwrapGroup(err error) []error {
	if g, ok := err.(*nursery.GroupError); ok {
		return g.Unwrap()
	}
	return nil
}
