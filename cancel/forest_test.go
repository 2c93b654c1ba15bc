package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A forest runs random operations on a tree of contexts and on its model.
type forest struct {
	t     *testing.T
	rnd   *rand.Rand
	nodes []*node
	log   []string
	hop   bool // the last step may show only after a goroutine has run
}

func (f *forest) note(format string, a ...any) {
	f.log = append(f.log, fmt.Sprintf(format, a...))
}

func (f *forest) pick(ok func(*node) bool) *node {
	for range 20 {
		if n := f.nodes[f.rnd.IntN(len(f.nodes))]; ok(n) {
			return n
		}
	}
	return nil
}

func isScope(n *node) bool { return n.kind == "scope" }

func (f *forest) add() {
	p := f.nodes[f.rnd.IntN(len(f.nodes))]
	n := &node{parent: p, name: fmt.Sprint("n", len(f.nodes))}
	now := time.Now()
	switch k := f.rnd.IntN(10); {
	case k < 5:
		n.kind = "scope"
		opts := []cancel.Option{cancel.Name(n.name)}
		if f.rnd.IntN(3) == 0 {
			n.deadline = now.Add(time.Duration(f.rnd.IntN(8)-1) * time.Second)
			opts = append(opts, cancel.Deadline(n.deadline))
		}
		if f.rnd.IntN(5) == 0 {
			n.shield = true
			opts = append(opts, cancel.Shielded())
		}
		n.ctx = cancel.New(p.ctx, opts...)
	case k < 6:
		n.kind = "cancel"
		n.ctx, n.stop = context.WithCancelCause(p.ctx)
	case k < 7:
		n.kind = "deadline"
		d := now.Add(time.Duration(f.rnd.IntN(7))*time.Second + time.Second/2)
		if up := p.effective(); !up.IsZero() && up.Before(d) {
			n.kind = "cancel" // WithDeadline returns a WithCancel context then
			ctx, stop := context.WithDeadline(p.ctx, d)
			n.ctx, n.stop = ctx, func(error) { stop() }
		} else {
			n.deadline = d
			ctx, stop := context.WithDeadline(p.ctx, d)
			f.t.Cleanup(stop)
			n.ctx = ctx
		}
	case k < 8:
		n.kind = "value"
		n.ctx = context.WithValue(p.ctx, n, n.name)
	case k < 9:
		up := p.enclosing()
		if up == nil || p.err != nil || p.kind == "without" || p.kind == "until" {
			return
		}
		for q := p; q != up; q = q.parent {
			if q.kind == "without" || q.kind == "until" {
				return
			}
		}
		n.kind = "until"
		n.ctx = cancel.UntilStop(p.ctx)
	default:
		n.kind = "without"
		n.ctx = context.WithoutCancel(p.ctx)
	}
	f.note("add %s %s below %s, deadline %v, shield %v", n.kind, n.name, p.name, n.deadline, n.shield)
	p.kids = append(p.kids, n)
	f.nodes = append(f.nodes, n)
	n.follow()
	if n.kind == "scope" && n.err == nil && !n.deadline.IsZero() && !n.deadline.After(now) {
		n.expire()
	}
	for s := p; n.kind == "until" && s != nil; s = s.parent {
		if s.stopped {
			n.end(context.Canceled, cancel.ErrStopping, cancel.Reason{Source: cancel.SourceStop, Scope: s.name})
			break
		}
	}
}

// pass sleeps for d and ends every node with a deadline in that time.
func (f *forest) pass(d time.Duration) {
	until := time.Now().Add(d)
	time.Sleep(d)
	for {
		// An outer node comes before the nodes below it, so it expires first if
		// they have the same deadline.
		var first *node
		for _, n := range f.nodes {
			if n.err == nil && !n.deadline.IsZero() && !n.deadline.After(until) && (first == nil || n.deadline.Before(first.deadline)) {
				first = n
			}
		}
		if first == nil {
			return
		}
		first.expire()
	}
}

func (f *forest) step() {
	f.hop = false
	switch k := f.rnd.IntN(16); k {
	case 0, 1, 2, 3, 4:
		f.add()
	case 5:
		if n := f.pick(isScope); n != nil {
			cause := errors.New("cause of " + n.name)
			f.note("cancel %s", n.name)
			n.scope().Cancel(cause)
			n.end(context.Canceled, cause, cancel.Reason{Source: cancel.SourceCancel, Scope: n.name})
		}
	case 6:
		if n := f.pick(func(n *node) bool { return n.stop != nil }); n != nil {
			f.note("std cancel %s", n.name)
			f.hop = true
			n.stop(nil)
			n.end(context.Canceled, context.Canceled, cancel.Reason{Source: cancel.SourceContext})
		}
	case 7, 8:
		if n := f.pick(isScope); n != nil {
			d := time.Now().Add(time.Duration(f.rnd.IntN(8)-1) * time.Second)
			if f.rnd.IntN(4) == 0 {
				d = time.Time{}
			}
			f.note("set deadline of %s to %v", n.name, d)
			n.scope().SetDeadline(d)
			if n.err == nil {
				n.deadline = d
				if !d.IsZero() && !d.After(time.Now()) {
					n.expire()
				}
			}
		}
	case 9, 10:
		if n := f.pick(isScope); n != nil {
			n.shield = !n.shield
			f.note("shield of %s: %v", n.name, n.shield)
			n.scope().SetShield(n.shield)
			n.follow()
		}
	case 11:
		if n := f.pick(isScope); n != nil && !n.shelters() {
			f.note("close %s", n.name)
			n.scope().Close()
			n.closed = true
			n.end(context.Canceled, cancel.ErrClosed, cancel.Reason{Source: cancel.SourceClosed, Scope: n.name})
		}
	case 12:
		if n := f.pick(isScope); n != nil && !n.closed {
			f.note("stop %s", n.name)
			n.scope().Stop()
			if !n.stopped {
				n.stopped = true
				n.tellStop(n.name)
			}
		}
	case 13, 14:
		n := f.nodes[f.rnd.IntN(len(f.nodes))]
		f.note("done of %s", n.name)
		n.ctx.Done()
	case 15:
		d := time.Duration(1+f.rnd.IntN(3)) * time.Second
		f.note("pass %v", d)
		f.hop = true
		f.pass(d)
	}
}

// checkNow compares Err with the model before other goroutines have run.
func (f *forest) checkNow() {
	f.t.Helper()
	for _, i := range f.rnd.Perm(len(f.nodes)) {
		n := f.nodes[i]
		if got := n.ctx.Err(); got != n.err {
			f.t.Fatalf("C4: Err of %s %s = %v at once, want %v\n%s", n.kind, n.name, got, n.err, strings.Join(f.log, "\n"))
		}
	}
}

// check compares every node with the model. A call for one context may update others,
// which must not show, so the order is random.
func (f *forest) check() {
	f.t.Helper()
	for _, i := range f.rnd.Perm(len(f.nodes)) {
		n := f.nodes[i]
		bad := func(what string, got, want any) {
			f.t.Helper()
			f.t.Fatalf("%s of %s %s = %v, want %v\n%s", what, n.kind, n.name, got, want, strings.Join(f.log, "\n"))
		}
		if got := n.ctx.Err(); got != n.err {
			bad("Err", got, n.err)
		}
		got := context.Cause(n.ctx)
		if n.cause == cancel.ErrClosed {
			if !errors.Is(got, cancel.ErrClosed) {
				bad("Cause", got, n.cause)
			}
		} else if got != n.cause {
			bad("Cause", got, n.cause)
		}
		d, ok := n.ctx.Deadline()
		if want := n.effective(); ok == want.IsZero() || !d.Equal(want) {
			bad("Deadline", d, want)
		}
		reason, ok := cancel.ReasonOf(n.ctx)
		if want := n.err != nil; ok != want {
			bad("ReasonOf", ok, want)
		}
		if ok {
			if want := n.wantReason(); !same(reason, want) && !n.mayReport(reason) {
				bad("ReasonOf", reason, want)
			}
		}
	}
}

// TestModel runs random operations on random trees of scopes and standard contexts.
// After each operation it compares every context with the model.
func TestModel(t *testing.T) {
	const trees, steps = 3000, 40
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range uint64(trees) {
		synctest.Test(t, func(t *testing.T) {
			f := &forest{t: t, rnd: rand.New(rand.NewPCG(seed, i))}
			f.nodes = []*node{{kind: "value", name: "root", ctx: context.Background()}}
			f.note("seed %d, tree %d", seed, i)
			for range steps {
				f.step()
				if !f.hop && f.rnd.IntN(2) == 0 {
					f.checkNow()
				}
				synctest.Wait()
				f.check()
			}
			for _, n := range f.nodes {
				if n.stop != nil {
					n.stop(nil)
				}
				if n.kind == "scope" {
					n.scope().Close()
				}
			}
		})
		if t.Failed() {
			return
		}
	}
}
