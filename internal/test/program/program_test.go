package program_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/internal/live"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery"
)

// A program is a random tree of nurseries that runs in a bubble. Unlike a script it has
// many events at the same instant, in any order, so a model cannot predict its results.
// Instead each task and body records how it ended, and the result of each Run is checked
// against these records.
type program struct {
	*kit.Dice
	t    *testing.T
	what string // the seed, for messages
	ids  atomic.Int64
}

// A failureID identifies a real error or panic of a program.
type failureID int64

func (id failureID) Error() string { return fmt.Sprint("failure ", int64(id)) }

// A panicID is the value of a panic.
type panicID int64

// An outcome is how one task or body ended.
type outcome struct {
	how      string // as returned by runToEnd, or "" if it has not ended
	err      error  // what it returned
	value    any    // what it panicked with
	at       time.Time
	outside  bool // the nursery's outer context had been canceled
	canceled bool // the task itself was canceled
}

// A block is a nursery of a program with the endings of its members.
type block struct {
	p     *program
	n     *nursery.Nursery
	outer context.Context
	safe  bool
	up    *block
	alive atomic.Int64

	mu      sync.Mutex
	members []*outcome
}

func (b *block) join(e *outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.members = append(b.members, e)
}

// watched returns a function that runs task and records its end in e.
func (b *block) watched(e *outcome, task func(ctx context.Context) error) func(ctx context.Context) error {
	return func(ctx context.Context) (err error) {
		b.alive.Add(1)
		how := "called Goexit"
		defer func() {
			v := recover()
			if v != nil {
				how = "panicked"
			}
			b.mu.Lock()
			e.how, e.err, e.value, e.at, e.outside = how, err, v, time.Now(), b.outer.Err() != nil
			b.mu.Unlock()
			b.alive.Add(-1)
			if v != nil {
				panic(v)
			}
		}()
		err = task(ctx)
		how = "returned"
		return err
	}
}

// step returns a random task.
func (p *program) step(b *block, depth int) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if d := p.Micros(20); p.Roll(3) == 0 {
			time.Sleep(d) // ignores cancellation
		} else if err := cancel.Sleep(ctx, d); err != nil && p.Roll(2) == 0 {
			return err
		}
		switch p.Roll(20) {
		case 0, 1, 2:
			return fmt.Errorf("wrapped: %w", failureID(p.ids.Add(1)))
		case 3:
			return errors.Join(failureID(p.ids.Add(1)), ctx.Err())
		case 4:
			<-ctx.Done()
			return failureID(p.ids.Add(1))
		case 5:
			<-ctx.Done()
			return context.Cause(ctx)
		case 6:
			return cancel.Forever(ctx)
		case 7:
			<-ctx.Done()
			return fmt.Errorf("wrapped: %w", ctx.Err())
		case 8:
			if p.Roll(3) == 0 {
				panic(panicID(p.ids.Add(1)))
			}
		case 9:
			if p.Roll(6) == 0 {
				runtime.Goexit()
			}
		case 10:
			b.n.Cancel(fmt.Errorf("cause %d", p.ids.Add(1))) // each cause is different
		case 11, 12, 13:
			if depth > 0 {
				return p.open(ctx, b, depth-1)
			}
		case 14:
			if depth > 0 {
				s := cancel.New(ctx, cancel.Timeout(p.Micros(50)), cancel.Name(fmt.Sprint(p.ids.Add(1))))
				return s.Run(func(ctx context.Context) error { return p.open(ctx, b, depth-1) })
			}
		case 15:
			return p.launch(ctx, b, depth)
		case 16:
			if b.up != nil {
				return p.launch(ctx, b.up, 0)
			}
		}
		return nil
	}
}

// launch starts a task in b, in one of several ways.
func (p *program) launch(ctx context.Context, b *block, depth int) error {
	e := new(outcome)
	task := b.watched(e, p.step(b, depth))
	switch p.Roll(7) {
	case 0, 1:
		b.join(e)
		b.n.Go(task)
	case 2:
		b.join(e)
		b.n.Go(task, nursery.Name("x"))
	case 3:
		b.join(e)
		b.n.Go(task, nursery.Daemon())
	case 4, 5:
		e.canceled = p.Roll(2) == 0
		b.join(e)
		t := nursery.Spawn(b.n, func(ctx context.Context) (int, error) { return 1, task(ctx) })
		if e.canceled {
			t.Cancel(nil)
		}
	case 6:
		var opts []nursery.TaskOption
		if p.Roll(2) == 0 {
			opts = append(opts, nursery.Daemon())
		}
		early := p.Roll(2) == 0
		_, err := nursery.Start(ctx, b.n, func(ctx context.Context, started func(int)) error {
			if early {
				started(1)
			}
			return task(ctx)
		}, opts...)
		if err != nil {
			if errors.Is(err, nursery.ErrNotStarted) {
				return nil
			}
			return err // the task belonged to the caller
		}
		b.join(e)
	}
	return nil
}

// open runs a random nursery.
func (p *program) open(ctx context.Context, up *block, depth int) (err error) {
	b := &block{p: p, outer: ctx, up: up}
	name := fmt.Sprint("n", p.ids.Add(1)) // identifies the source of a cancellation
	opts := []nursery.Option{nursery.Name(name)}
	if p.Roll(3) == 0 {
		opts = append(opts, nursery.Limit(1+p.Roll(2)))
	}
	if p.Roll(3) == 0 {
		opts = append(opts, nursery.KeepGoing())
	}
	if b.safe = p.Roll(3) == 0; b.safe {
		opts = append(opts, nursery.RecoverPanics())
	}
	how := "called Goexit"
	defer func() {
		v := recover()
		if v != nil {
			how = "panicked"
		}
		b.check(how, err, v)
		if v != nil {
			panic(v)
		}
	}()
	e := new(outcome)
	b.join(e)
	err = nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		b.n = n
		return b.watched(e, func(ctx context.Context) error {
			for range p.Roll(5) {
				if err := p.launch(ctx, b, depth); err != nil {
					return err
				}
			}
			return p.step(b, depth)(ctx)
		})(ctx)
	}, opts...)
	how = "returned"
	return err
}

func TestPrograms(t *testing.T) {
	kit.DiscardStderr(t) // reports of panics in bodies
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range uint64(1500) {
		disable := func() {}
		if i%2 == 1 {
			disable = live.Enable()
		}
		synctest.Test(t, func(t *testing.T) {
			p := &program{Dice: kit.NewDice(seed, i), t: t, what: fmt.Sprintf("seed %d, program %d", seed, i)}
			root := cancel.New(t.Context())
			defer root.Close()
			time.AfterFunc(p.Micros(300), func() { root.Cancel(nil) })
			kit.RunToEnd(func() { _ = p.open(root, nil, 3) })
		})
		disable()
		if n := len(live.Nurseries()); n != 0 {
			t.Errorf("seed %d, program %d: %d nurseries are left in the registry", seed, i, n)
		}
		if t.Failed() {
			break
		}
	}
}
