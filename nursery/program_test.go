package nursery_test

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
	"github.com/grove-go/grove/nursery"
)

// A program is a random tree of nurseries that runs in a bubble. Much in it
// happens at one instant, in any order, so nothing can say beforehand what comes of
// it, as the model can of a script. Instead each task and body records how it
// ended, and what each Run gives is checked against that.
type program struct {
	*dice
	t    *testing.T
	what string // the seed, for messages
	ids  atomic.Int64
}

// A failureID is in every real error and panic of a program, each with another.
type failureID int64

func (id failureID) Error() string { return fmt.Sprint("failure ", int64(id)) }

// A panicID is the value of a panic.
type panicID int64

// An outcome is how one task or body ended.
type outcome struct {
	how      string // as runToEnd tells it, or "" if it has not ended
	err      error  // what it returned
	value    any    // what it panicked with
	at       time.Time
	outside  bool // what is around the nursery had been canceled by then
	canceled bool // the task was canceled by itself
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

// watched returns task with a record of its end in e.
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

// step is what a task does.
func (p *program) step(b *block, depth int) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		if d := p.micros(20); p.roll(3) == 0 {
			time.Sleep(d) // deaf to cancellation
		} else if err := cancel.Sleep(ctx, d); err != nil && p.roll(2) == 0 {
			return err
		}
		switch p.roll(20) {
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
			if p.roll(3) == 0 {
				panic(panicID(p.ids.Add(1)))
			}
		case 9:
			if p.roll(6) == 0 {
				runtime.Goexit()
			}
		case 10:
			b.n.Cancel(fmt.Errorf("cause %d", p.ids.Add(1))) // each told from the others
		case 11, 12, 13:
			if depth > 0 {
				return p.open(ctx, b, depth-1)
			}
		case 14:
			if depth > 0 {
				s := cancel.New(ctx, cancel.Timeout(p.micros(50)), cancel.Name(fmt.Sprint(p.ids.Add(1))))
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

// launch starts a task in b in one of the ways there are.
func (p *program) launch(ctx context.Context, b *block, depth int) error {
	e := new(outcome)
	task := b.watched(e, p.step(b, depth))
	switch p.roll(7) {
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
		e.canceled = p.roll(2) == 0
		b.join(e)
		t := nursery.Spawn(b.n, func(ctx context.Context) (int, error) { return 1, task(ctx) })
		if e.canceled {
			t.Cancel(nil)
		}
	case 6:
		var opts []nursery.TaskOption
		if p.roll(2) == 0 {
			opts = append(opts, nursery.Daemon())
		}
		early := p.roll(2) == 0
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
			return err // the task was the caller's
		}
		b.join(e)
	}
	return nil
}

// open runs a nursery.
func (p *program) open(ctx context.Context, up *block, depth int) (err error) {
	b := &block{p: p, outer: ctx, up: up}
	name := fmt.Sprint("n", p.ids.Add(1)) // tells who canceled
	opts := []nursery.Option{nursery.Name(name)}
	if p.roll(3) == 0 {
		opts = append(opts, nursery.Limit(1+p.roll(2)))
	}
	if p.roll(3) == 0 {
		opts = append(opts, nursery.KeepGoing())
	}
	if b.safe = p.roll(3) == 0; b.safe {
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
			for range p.roll(5) {
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
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	for i := range uint64(1500) {
		synctest.Test(t, func(t *testing.T) {
			p := &program{dice: newDice(seed, i), t: t, what: fmt.Sprintf("seed %d, program %d", seed, i)}
			root := cancel.New(t.Context())
			defer root.Close()
			time.AfterFunc(p.micros(300), func() { root.Cancel(nil) })
			runToEnd(func() { _ = p.open(root, nil, 3) })
		})
		if t.Failed() {
			break
		}
	}
}
