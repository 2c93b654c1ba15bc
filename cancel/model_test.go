package cancel_test

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A node is a context in a random tree, and what the model says of it. The model
// is eager: what the real thing finds out when it is asked, or tells when it is
// attached, the model does on the spot, one step after the other.
type node struct {
	kind   string // scope, cancel, deadline, value, without, until
	name   string
	parent *node
	kids   []*node
	ctx    context.Context
	stop   context.CancelCauseFunc // kind cancel

	deadline time.Time // its own; zero: none
	shield   bool
	stopped  bool // asked to stop
	closed   bool

	err    error
	cause  error
	reason cancel.Reason // Source and Scope alone
}

func (n *node) scope() *cancel.Scope { return n.ctx.(*cancel.Scope) }

// enclosing returns the innermost scope around n, n itself if it is one.
func (n *node) enclosing() *node {
	for ; n != nil && n.kind != "scope"; n = n.parent {
	}
	return n
}

// end cancels n and what is below it in the model.
func (n *node) end(err, cause error, reason cancel.Reason) {
	if n.err != nil || n.kind == "without" {
		return
	}
	n.err, n.cause, n.reason = err, cause, reason
	for _, k := range n.kids {
		k.follow()
	}
}

// follow ends n if its parent has ended and n is not kept from that.
func (n *node) follow() {
	p := n.parent
	if p == nil || p.err == nil || n.shield {
		return
	}
	reason := p.reason
	if n.kind == "scope" && p.kind != "scope" {
		// A foreign context tells its error and cause, and nothing else.
		reason = p.told()
	}
	n.end(p.err, p.cause, reason)
}

// told returns the reason as it is inferred from the error and cause of n: that
// of the innermost scope around it, if it ended in the same way.
func (n *node) told() cancel.Reason {
	for p := n; p != nil; p = p.parent {
		if p.kind == "scope" || p.kind == "until" {
			if p.err == n.err && p.cause == n.cause {
				return p.reason
			}
			break
		}
	}
	return cancel.Reason{Source: cancel.SourceContext}
}

// wantReason returns what ReasonOf should say.
func (n *node) wantReason() cancel.Reason {
	if n.kind == "scope" || n.kind == "until" {
		return n.reason
	}
	return n.told()
}

// mayTell reports whether the reason is that of a scope around n that ended with
// the same error and cause, though later: a scope that was not asked in between
// cannot tell that deadline from the one of a foreign context.
//
// And where package context tells a context of its parent's end by a goroutine,
// as it does below values that stand on a scope, a scope further down with a
// deadline at the same instant may report that as its own.
func (n *node) mayTell(reason cancel.Reason) bool {
	if want := n.wantReason(); want.Source == cancel.SourceDeadline && reason.Source == cancel.SourceDeadline {
		var own, outer time.Time
		foreign := false
		for p := n; p != nil; p = p.parent {
			if p.name == reason.Scope {
				own = p.deadline
			}
			if p.name == want.Scope {
				outer = p.deadline
			}
			foreign = foreign || p.kind == "cancel" || p.kind == "deadline"
		}
		return foreign && !own.IsZero() && own.Equal(outer)
	} else if want.Source != cancel.SourceContext {
		return false
	}
	for p := n.parent; p != nil; p = p.parent {
		if p.err == n.err && p.cause == n.cause && same(p.reason, reason) {
			return true
		}
	}
	return false
}

func same(a, b cancel.Reason) bool { return a.Source == b.Source && a.Scope == b.Scope }

// late reports whether n follows the scopes above it a goroutine hop late, as
// what package context derives from values that stand on a scope does, and all
// below that.
func (n *node) late() bool {
	for p := n; p != nil; p = p.parent {
		q := p.parent
		if p.kind != "cancel" && p.kind != "deadline" || q.kind != "value" {
			continue
		}
		for q.kind == "value" && q.parent != nil {
			q = q.parent
		}
		if q.kind == "scope" || q.kind == "until" {
			return true
		}
	}
	return false
}

// effective returns the deadline that Deadline should report.
func (n *node) effective() time.Time {
	if n == nil || n.kind == "without" {
		return time.Time{}
	}
	d := n.deadline
	if n.kind == "deadline" || n.kind == "scope" && n.shield {
		return d
	}
	if up := n.parent.effective(); d.IsZero() || !up.IsZero() && up.Before(d) {
		d = up
	}
	return d
}

func (n *node) expire() {
	reason := cancel.Reason{Source: cancel.SourceDeadline, Scope: n.name}
	if n.kind != "scope" {
		reason = cancel.Reason{Source: cancel.SourceContext}
	}
	n.end(context.DeadlineExceeded, context.DeadlineExceeded, reason)
}

// tellStop ends those who listen at n or below.
func (n *node) tellStop(by string) {
	if n.kind == "until" {
		n.end(context.Canceled, cancel.ErrStopping, cancel.Reason{Source: cancel.SourceStop, Scope: by})
	}
	for _, k := range n.kids {
		k.tellStop(by)
	}
}

// shelters reports whether something below n would outlive its end.
func (n *node) shelters() bool {
	for _, k := range n.kids {
		if k.err == nil && (k.shield || k.kind == "without") || k.shelters() {
			return true
		}
	}
	return false
}
