package cancel_test

import (
	"context"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A node is a context in a random tree with its model. The model ends all nodes at once,
// although a scope may learn of an end only when it registers or when a method is called.
type node struct {
	kind   string // scope, cancel, deadline, value, without, until
	name   string
	parent *node
	kids   []*node
	ctx    context.Context
	stop   context.CancelCauseFunc // kind cancel

	deadline time.Time // the node's own; zero if none
	shield   bool
	stopped  bool // asked to stop
	closed   bool

	err    error
	cause  error
	reason cancel.Reason // only Source and Scope
}

func (n *node) scope() *cancel.Scope { return n.ctx.(*cancel.Scope) }

// enclosing returns the innermost scope that encloses n, which may be n itself.
func (n *node) enclosing() *node {
	for ; n != nil && n.kind != "scope"; n = n.parent {
	}
	return n
}

// end cancels n and the nodes below it in the model.
func (n *node) end(err, cause error, reason cancel.Reason) {
	if n.err != nil || n.kind == "without" {
		return
	}
	n.err, n.cause, n.reason = err, cause, reason
	for _, k := range n.kids {
		k.follow()
	}
}

// follow ends n if its parent has ended, unless n is shielded.
func (n *node) follow() {
	p := n.parent
	if p == nil || p.err == nil || n.shield {
		return
	}
	reason := p.reason
	if n.kind == "scope" && p.kind != "scope" {
		// A foreign context has an error and a cause, and no reason.
		reason = p.inferred()
	}
	n.end(p.err, p.cause, reason)
}

// inferred returns the reason that follows from the error and cause of n: the reason of
// the innermost enclosing scope, if it ended with the same error and cause, and an outer
// context otherwise.
func (n *node) inferred() cancel.Reason {
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

// wantReason returns the reason that ReasonOf should return.
func (n *node) wantReason() cancel.Reason {
	if n.kind == "scope" || n.kind == "until" {
		return n.reason
	}
	return n.inferred()
}

// mayReport reports whether ReasonOf may return reason although wantReason differs.
//
// An enclosing scope may have ended with the same error and cause after n did. A scope
// that was not asked in between cannot distinguish the two ends.
func (n *node) mayReport(reason cancel.Reason) bool {
	if n.wantReason().Source != cancel.SourceContext {
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

// tellStop ends the listeners at n and below.
func (n *node) tellStop(by string) {
	if n.kind == "until" {
		n.end(context.Canceled, cancel.ErrStopping, cancel.Reason{Source: cancel.SourceStop, Scope: by})
	}
	for _, k := range n.kids {
		k.tellStop(by)
	}
}

// shelters reports whether a node below n would stay open if n ended.
func (n *node) shelters() bool {
	for _, k := range n.kids {
		if k.err == nil && (k.shield || k.kind == "without") || k.shelters() {
			return true
		}
	}
	return false
}
