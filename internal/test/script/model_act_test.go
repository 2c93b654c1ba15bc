package script_test

import (
	"fmt"
	"slices"

	"github.com/grove-go/grove/nursery"
)

// A modelTask is the handle of a task.
type modelTask struct {
	scope *modelScope
	on    *modelNursery
	done  bool
	err   *fault
}

// A modelStart is a call of Start.
type modelStart struct {
	on     *modelNursery
	a      *act
	caller *modelScope
	own    *modelScope
	begun  bool
	gone   bool
	ending modelEnding
}

// A modelFrame holds what a script can use.
type modelFrame struct {
	m       *model
	p       *proc
	scope   *modelScope
	stages  []*modelNursery
	scopes  []*modelScope
	handles *[]*modelTask
	start   *modelStart
}

func (f modelFrame) within(s *modelScope) modelFrame {
	f.scope = s
	f.scopes = append(f.scopes[:len(f.scopes):len(f.scopes)], s)
	return f
}

func (f modelFrame) task(p *proc, on *modelNursery, own *modelScope) modelFrame {
	f.p = p
	f.stages = f.stages[:slices.Index(f.stages, on)+1]
	f.scopes = f.scopes[:on.depth]
	f.handles, f.start, f.scope = new([]*modelTask), nil, on.scope
	if own != nil {
		f = f.within(own)
	}
	return f
}

func (f modelFrame) run(s script) modelEnding {
	for _, a := range s {
		if over, e := f.do(a); over {
			return e
		}
	}
	return modelEnding{}
}

func (f modelFrame) pause(a *act, which int) {
	f.m.until(f.p, a.at(f.m.now, 1, which), func() bool { return false })
}

func (f modelFrame) give(a *act) (over bool, e modelEnding) {
	ev := f.scope.ended
	f.m.note(a, "gives up: %s", ev.err())
	bare := &fault{bare: true, deadline: ev.deadline}
	switch a.gives {
	case giveErr:
		return true, modelEnding{err: ev.err()}
	case giveWrapped:
		return true, modelEnding{err: with("wrapped(%s)", ev.err())}
	case giveBare:
		return true, modelEnding{err: bare}
	case giveCause:
		return true, modelEnding{err: ev.cause}
	case giveJoined:
		return true, modelEnding{err: with("joined(%s)", failureOf(a), bare)}
	case giveFailure:
		return true, modelEnding{err: failureOf(a)}
	}
	f.pause(a, whenPaused)
	return false, modelEnding{}
}

func (f modelFrame) do(a *act) (over bool, e modelEnding) {
	m := f.m
	due := a.at(m.now, a.after, whenDue)
	m.until(f.p, due, func() bool {
		return a.wait != waitDeaf && f.scope.ended != nil || a.wait == waitUntilStop && f.scope.asked()
	})
	if m.now < due {
		if f.scope.ended == nil {
			m.note(a, "stops")
			f.pause(a, whenPaused)
		} else if over, e := f.give(a); over {
			return true, e
		}
	}
	deadline := "none"
	if d := f.scope.effective(); d != 0 {
		deadline = d.String()
	}
	m.note(a, "%s, deadline %s, %s", actNames[a.kind], deadline, f.scope.ended.err())
	switch a.kind {
	case actFail:
		return true, modelEnding{err: failureOf(a)}
	case actPanic:
		return true, modelEnding{panicked: &fault{text: fmt.Sprint("panic ", a.id)}}
	case actGoexit:
		return true, modelEnding{exited: true}
	case actCancel:
		cause := &fault{bare: true}
		if a.on {
			cause = &fault{text: causeID(a.id).Error()}
		}
		inner(f.scopes, a.up).cancel(cause)
	case actDeadline:
		s := inner(f.scopes, a.up)
		d := a.at(m.now, a.ticks, whenLate)
		if a.on && a.ticks > 8 {
			d = 0
		} else if a.ticks == 0 {
			d = m.now - 1
		}
		if s.ended == nil {
			s.deadline = d
			s.expire(m.now)
		}
	case actShield:
		inner(f.scopes, a.up).setShield(a.on)
	case actStop:
		inner(f.scopes, a.up).stopping = true
	case actGo, actSpawn:
		f.spawn(a)
	case actReady:
		f.ready()
	case actCancelTask:
		if len(*f.handles) > 0 {
			inner(*f.handles, a.up).scope.cancel(&fault{text: causeID(a.id).Error()})
		}
	case actWait:
		if len(*f.handles) == 0 || inner(*f.handles, a.up).on.a.options.limit > 0 {
			break
		}
		t := inner(*f.handles, a.up)
		m.until(f.p, 0, func() bool { return t.done || f.scope.ended != nil })
		f.pause(a, whenPaused)
		if f.scope.ended != nil {
			return f.give(a)
		}
		m.note(a, "got %s", t.err)
		return t.err != nil && !a.swallow, modelEnding{err: t.err}
	case actScope, actNursery, actStart, actFor, actMap, actEach, actStream, actUnordered:
		e := f.block(a)
		m.note(a, "%s", e)
		if e.panicked != nil || e.exited || e.err != nil && !a.swallow {
			if a.kind == actStart && e.err != nil {
				f.pause(a, whenPaused)
			}
			return true, e
		}
	}
	f.pause(a, whenOver)
	return false, modelEnding{}
}

func (f modelFrame) block(a *act) modelEnding {
	switch a.kind {
	case actScope:
		s := f.m.scope(nil, fmt.Sprint("s", a.id))
		s.up = f.scope
		s.up.kids = append(s.up.kids, s)
		s.setShield(a.on)
		if a.ticks > 0 {
			s.deadline = a.at(f.m.now, a.ticks, whenLate)
			s.expire(f.m.now)
		}
		e := f.within(s).run(a.inside)
		e.err = s.absorb(e.err)
		s.close()
		return e
	case actNursery:
		n := f.m.nursery(a, f.scope)
		n.depth = len(f.scopes) + 1
		f := f.within(n.scope)
		f.stages = append(f.stages[:len(f.stages):len(f.stages)], n)
		return n.run(f.p, func() modelEnding {
			return f.member(a, "body", func() modelEnding { return f.run(a.inside) })
		})
	case actStart:
		return f.startAndWait(a)
	}
	return f.flow(a)
}

func (f modelFrame) member(a *act, what string, fn func() modelEnding) modelEnding {
	f.m.note(a, "%s begins", what)
	e := fn()
	f.m.note(a, "%s ends", what)
	return e
}

// named adds the name of the task to a new panic.
func named(e modelEnding, name string) modelEnding {
	if p := e.panicked; p != nil && !p.panics {
		e.panicked = &fault{kind: fmt.Sprintf("%s of %q(%%s)", p.text, name), panics: true}
	}
	return e
}

func (a *act) taskName() string {
	if a.name == "" {
		return ""
	}
	return fmt.Sprint(a.name, a.id)
}

func (f modelFrame) spawn(a *act) {
	n := inner(f.stages, a.up)
	n.enter(a.daemon)
	var t *modelTask
	var own *modelScope
	if a.kind == actSpawn {
		own = f.m.scope(n.scope, a.taskName())
		t = &modelTask{scope: own, on: n}
		*f.handles = append(*f.handles, t)
	}
	n.begin(!a.daemon, func(p *proc) {
		e := f.member(a, "task", func() modelEnding { return named(f.task(p, n, own).run(a.inside), a.taskName()) })
		if t == nil {
			n.ended(e, a.taskName())
		} else {
			f.endTask(t, e, a.taskName())
		}
		n.leave(a.daemon)
	})
}

// endTask handles the ending of a task with its own scope: N14.
func (f modelFrame) endTask(t *modelTask, e modelEnding, name string) {
	if e.err != nil {
		if left := t.scope.absorb(e.err); left == nil {
			t.err = t.scope.ended.err()
		} else {
			t.err = t.on.ended(modelEnding{err: left}, name)
		}
	} else {
		t.err = t.on.ended(e, name)
	}
	t.done = true
	t.scope.close()
}

// startAndWait runs a Start: N13.
func (f modelFrame) startAndWait(a *act) modelEnding {
	n := inner(f.stages, a.up)
	st := &modelStart{on: n, a: a, caller: f.scope, own: f.m.scope(n.scope, a.taskName())}
	n.enter(false)
	if f.scope.ended != nil {
		st.own.end(f.scope.ended)
	}
	f.scope.followers = append(f.scope.followers, st.own)
	n.m.spawn(func(p *proc) {
		e := f.member(a, "task", func() modelEnding {
			f := f.task(p, n, st.own)
			f.start = st
			return named(f.run(a.inside), a.taskName())
		})
		if st.begun {
			f.endTask(&modelTask{scope: st.own, on: n}, e, a.taskName())
			n.leave(a.daemon)
			return
		}
		st.unfollow()
		switch own := st.own.ended; {
		case e.panicked != nil || e.exited:
		case e.err == nil && own == nil:
			e.err = &fault{text: nursery.ErrNotStarted.Error()}
		case e.err == nil || own.echo(e.err):
			e.err = own.err()
		}
		st.own.close()
		st.ending, st.gone = e, true
		n.leave(false)
	})
	f.m.until(f.p, 0, func() bool { return st.begun || st.gone })
	return st.ending
}

func (st *modelStart) unfollow() {
	st.caller.followers = slices.DeleteFunc(st.caller.followers, func(s *modelScope) bool { return s == st.own })
}

// ready reports that the task of a Start is ready.
func (f modelFrame) ready() {
	st := f.start
	if st == nil || st.caller.ended != nil {
		return
	}
	st.unfollow()
	st.begun = true
	if st.a.daemon {
		st.on.awaited--
		st.on.dismiss()
	}
}

// flow runs For, Map, Each or a stream.
func (f modelFrame) flow(a *act) modelEnding {
	n := f.m.nursery(a, f.scope)
	var (
		done  = make([]bool, len(a.items)) // the item has returned nil
		good  int                          // number of items that have returned nil
		left  int                          // number of items that have returned or panicked
		next  int
		over  bool // the source has ended
		exits bool // an item has called Goexit
		late  bool // an item has panicked after a Goexit
	)
	item := func(p *proc, i int) {
		e := f.member(a, fmt.Sprint("item ", i), func() modelEnding {
			f := f.within(n.scope)
			f.p, f.handles, f.start = p, new([]*modelTask), nil
			return named(f.run(a.items[i]), "")
		})
		exits = exits || e.exited
		late = late || e.exited && e.panicked != nil
		left++
		if e == (modelEnding{}) {
			done[i] = true
			good++
		}
		n.endedItem(e, "", i)
	}
	e := n.run(f.p, func() modelEnding {
		if a.kind == actFor || a.kind == actMap {
			for range min(a.options.limit, len(a.items)) {
				n.enter(false)
				f.m.spawn(func(p *proc) {
					for n.scope.ended == nil && next < len(a.items) {
						next++
						item(p, next-1)
					}
					n.leave(false)
				})
			}
			return modelEnding{}
		}
		// Items in flight count. In an ordered stream, so do finished items behind an
		// unfinished one.
		free := func() bool {
			busy := next - left
			if a.kind == actStream {
				busy = next - max(0, slices.Index(append(slices.Clone(done), false), false))
			}
			return busy < a.options.limit || n.scope.ended != nil
		}
		for n.scope.ended == nil && next < len(a.items) {
			next++
			n.enter(false)
			i := next - 1
			f.m.spawn(func(p *proc) {
				item(p, i)
				n.leave(false)
			})
			f.m.until(f.p, 0, free)
		}
		over = n.scope.ended == nil
		return modelEnding{}
	})
	// The caller's goroutine is one of the workers of For. If it called Goexit, it
	// continues the Goexit after a recovered panic.
	f.m.vague = f.m.vague || (late || exits && e.panicked != nil) && (a.kind == actFor || a.kind == actMap)
	// N11: if items were left undone, that is an error.
	if e == (modelEnding{}) && (good < len(a.items) || !over && a.kind != actFor && a.kind != actMap) {
		e.err = n.scope.ended.err()
	}
	return e
}
