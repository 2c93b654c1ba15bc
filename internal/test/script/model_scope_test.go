package script_test

import (
	"slices"
	"time"

	"github.com/grove-go/grove/cancel"
)

// A modelScope is a cancel scope.
type modelScope struct {
	name      string
	up        *modelScope
	kids      []*modelScope
	followers []*modelScope
	shield    bool
	stopping  bool
	deadline  time.Duration // 0: none
	ended     *event
}

func (m *model) scope(up *modelScope, name string) *modelScope {
	s := &modelScope{name: name, up: up}
	m.scopes = append(m.scopes, s)
	if up != nil {
		up.kids = append(up.kids, s)
		s.ended = up.ended
	}
	return s
}

// end cancels the scope: C4, C5, C7.
func (s *modelScope) end(e *event) {
	if s.ended != nil {
		return
	}
	s.ended = e
	for _, k := range s.kids {
		if !k.shield {
			k.end(e)
		}
	}
	for _, k := range s.followers {
		k.end(e)
	}
}

// close releases the scope: C8.
func (s *modelScope) close() {
	s.end(&event{origin: s, source: cancel.SourceClosed, cause: &fault{text: "closed"}})
	if s.up != nil {
		s.up.kids = slices.DeleteFunc(s.up.kids, func(k *modelScope) bool { return k == s })
	}
}

func (s *modelScope) cancel(cause *fault) {
	s.end(&event{origin: s, source: cancel.SourceCancel, cause: cause})
}

// expire ends the scope if its deadline has passed: C6.
func (s *modelScope) expire(now time.Duration) {
	if s.deadline > 0 && s.deadline <= now {
		s.end(&event{origin: s, source: cancel.SourceDeadline, deadline: true, cause: &fault{bare: true, deadline: true}})
	}
}

// effective returns the earliest deadline of the scope and its ancestors: C6.
func (s *modelScope) effective() (d time.Duration) {
	for ; s != nil; s = s.up {
		if s.deadline != 0 && (d == 0 || s.deadline < d) {
			d = s.deadline
		}
		if s.shield {
			break
		}
	}
	return d
}

func (s *modelScope) setShield(on bool) {
	s.shield = on
	if !on && s.up != nil && s.up.ended != nil {
		s.end(s.up.ended)
	}
}

// asked reports whether the scope or an ancestor was asked to stop: C12.
func (s *modelScope) asked() bool { return s != nil && (s.stopping || s.up.asked()) }

// absorb drops an echo of the scope's cancellation: C10.
func (s *modelScope) absorb(f *fault) *fault {
	switch {
	case f == nil || !s.ended.echo(f):
		return f
	case s.ended.origin != s || s.ended.source == cancel.SourceClosed:
		return f
	case !s.shield && s.up != nil:
		return s.up.ended.err()
	}
	return nil
}
