package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"

	"github.com/grove-go/grove/cancel"
)

// A blunt is a context of a foreign type with its own Done channel. It starts no
// goroutine.
type blunt struct {
	context.Context
	done chan struct{}
	err  error
}

func newBlunt(parent context.Context) *blunt {
	return &blunt{Context: parent, done: make(chan struct{})}
}

func (b *blunt) end(err error) {
	b.err = err
	close(b.done)
}

func (b *blunt) Done() <-chan struct{} { return b.done }

func (b *blunt) Err() error {
	if isClosed(b.done) {
		return b.err
	}
	return nil
}

// A blocking is a context of a foreign type that blocks in Err until it ends, as the
// contexts of package clockwork do.
type blocking struct{ *blunt }

func (b blocking) Err() error {
	<-b.done
	return b.err
}

// A tagged is a context of a foreign type that is not comparable.
type tagged struct {
	context.Context
	tags []string
}

// A calling is a context of a foreign type that calls back when it ends, in the
// goroutine that ends it. Its Done channel may stay open.
type calling struct {
	context.Context
	done chan struct{}

	mu   sync.Mutex
	err  error
	next int
	fs   map[int]func()
}

func newCalling(parent context.Context) *calling {
	return &calling{Context: parent, done: make(chan struct{}), fs: make(map[int]func())}
}

func (c *calling) Done() <-chan struct{} { return c.done }

func (c *calling) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

func (c *calling) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		go f()
		return func() bool { return false }
	}
	id := c.next
	c.next++
	c.fs[id] = f
	return func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		_, ok := c.fs[id]
		delete(c.fs, id)
		return ok
	}
}

// end ends the context and calls back. It calls between before each callback and once at
// the end.
func (c *calling) end(closeDone bool, between func()) {
	c.mu.Lock()
	c.err = context.Canceled
	if closeDone {
		close(c.done)
	}
	c.mu.Unlock()
	for {
		between()
		f := c.take()
		if f == nil {
			return
		}
		f()
	}
}

// take unregisters a function and returns it, or returns nil if none is left.
func (c *calling) take() func() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, f := range c.fs {
		delete(c.fs, id)
		return f
	}
	return nil
}

// A withDone embeds a scope and has its own Done and Err.
type withDone struct {
	*cancel.Scope
	own *blunt
}

func (w withDone) Done() <-chan struct{} { return w.own.Done() }
func (w withDone) Err() error            { return w.own.Err() }

// isClosed reports whether done is closed.
func isClosed(done <-chan struct{}) bool {
	select {
	case <-done:
		return true
	default:
		return false
	}
}

// started returns the number of goroutines that the program has started.
func started() uint64 {
	sample := []metrics.Sample{{Name: "/sched/goroutines-created:goroutines"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// wantNoHub fails the test if a registration with a foreign context is left. Goroutines of
// package context that an earlier test has set off may be about to remove theirs.
func wantNoHub(t *testing.T) {
	t.Helper()
	for range 1 << 20 {
		if cancel.Hubs() == 0 {
			return
		}
		runtime.Gosched()
	}
	t.Errorf("%d registrations with foreign contexts are left, want 0", cancel.Hubs())
}

// isolated runs fn in a bubble, with a root scope that is not registered anywhere.
func isolated(t *testing.T, name string, fn func(t *testing.T, root context.Context)) {
	t.Helper()
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			root := cancel.New(context.Background())
			defer root.Close()
			fn(t, root)
		})
	})
}

// TestBurst limits the cost of ten thousand scopes with one parent.
func TestBurst(t *testing.T) {
	const scopes, few = 10_000, 10
	for name, parent := range map[string]func(context.Context) context.Context{
		"C4/below a standard context":               func(ctx context.Context) context.Context { return ctx },
		"C4/below values":                           func(ctx context.Context) context.Context { return context.WithValue(ctx, key(1), 1) },
		"C4/below contexts that are not comparable": func(ctx context.Context) context.Context { return tagged{ctx, nil} },
	} {
		t.Run(name, func(t *testing.T) {
			root, stop := context.WithCancelCause(context.Background())
			defer stop(nil)
			before := started()
			all := make([]*cancel.Scope, scopes)
			for i := range all {
				all[i] = cancel.New(parent(root))
				all[i].Done()
			}
			if n := cancel.Hubs(); n != 1 {
				t.Errorf("%d registrations, want 1", n)
			}
			if n := started() - before; n > few {
				t.Errorf("%d goroutines to register %d scopes, want at most %d", n, scopes, few)
			}
			before = started()
			stop(errBoom)
			for _, s := range all {
				<-s.Done()
				wantEnded(t, "scope", s, context.Canceled, errBoom)
			}
			if n := started() - before; n > few {
				t.Errorf("%d goroutines to cancel %d scopes, want at most %d", n, scopes, few)
			}
			wantNoHub(t)
		})
	}
}

func TestForeign(t *testing.T) {
	isolated(t, "C13/an Err that blocks until Done is closed", func(t *testing.T, root context.Context) {
		up := cancel.New(root)
		b := blocking{newBlunt(up)}
		s := cancel.New(b)
		below := cancel.New(s)
		following := cancel.New(root)
		following.Follow(b)
		std, stop := context.WithTimeout(context.WithValue(s, key(1), 1), time.Hour)
		defer stop()
		listening := cancel.UntilStop(b)
		wantOpen(t, "scope", s)
		for range 20 { // repeatedly, because a scope registers after several calls
			wantOpen(t, "scope below", below)
		}
		wantOpen(t, "standard context", std)
		wantOpen(t, "what UntilStop has returned", listening)
		if err := cancel.Err(b); err != nil {
			t.Errorf("Err() = %v, want nil", err)
		}
		if err := cancel.Because(b, errBoom); err != errBoom {
			t.Errorf("Because() = %v, want boom", err)
		}
		if r, ok := cancel.ReasonOf(b); ok {
			t.Errorf("ReasonOf() = %v, want none", r)
		}
		if err := cancel.Sleep(b, time.Second); err != nil {
			t.Errorf("Sleep() = %v, want nil", err)
		}
		if err := cancel.Checkpoint(b); err != nil {
			t.Errorf("Checkpoint() = %v, want nil", err)
		}
		if s.IsEcho(context.Canceled) {
			t.Error("IsEcho() = true, want false")
		}
		if err := s.Absorb(context.Canceled); err != context.Canceled {
			t.Errorf("Absorb() = %v, want %v", err, context.Canceled)
		}
		s.SetShield(true)
		s.SetShield(false)
		s.SetTimeout(time.Hour)
		s.Shutdown(time.Hour)
		wantEnded(t, "what UntilStop has returned for the scope", cancel.UntilStop(s), context.Canceled, cancel.ErrStopping)
		another := cancel.New(b)
		another.Cancel(errBoom)
		another.Close()
		done := make(chan error)
		go func() { done <- cancel.Forever(b) }()
		go func() { done <- cancel.Sleep(below, time.Hour) }()
		synctest.Wait()

		b.end(context.Canceled)
		for range 2 {
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want an echo", err)
			}
		}
		synctest.Wait()
		for _, ctx := range []context.Context{s, below, std, listening, following, cancel.New(b), cancel.UntilStop(b)} {
			wantEnded(t, "context", ctx, context.Canceled, context.Canceled)
		}
		if err := cancel.Because(b, errBoom); !errors.Is(err, context.Canceled) {
			t.Errorf("Because() = %v, want the cancellation", err)
		}
		wantNoHub(t)
	})

	isolated(t, "C13/a context that is not comparable", func(t *testing.T, root context.Context) {
		for _, end := range []error{context.Canceled, context.DeadlineExceeded} {
			b := newBlunt(root)
			scopes := make([]*cancel.Scope, 100)
			for i := range scopes {
				scopes[i] = cancel.New(tagged{b, make([]string, i)})
				if i%2 == 0 {
					scopes[i].Done()
				}
				cancel.UntilStop(tagged{b, nil})
				scopes[i].Follow(tagged{b, nil})
			}
			scopes[0].Close()
			b.end(end)
			synctest.Wait()
			for _, s := range scopes[1:] {
				wantEnded(t, "scope", s, end, end)
			}
			wantNoHub(t)
		}
	})

	// All contexts have the same Done channel but different errors.
	isolated(t, "C2/one Done channel, several errors", func(t *testing.T, root context.Context) {
		b := newBlunt(root)
		late := &blunt{Context: root, done: b.done, err: context.DeadlineExceeded}
		own := &blunt{Context: root, done: b.done, err: errBoom}
		var scopes []*cancel.Scope
		for _, ctx := range []context.Context{b, late, own} {
			s := cancel.New(ctx)
			s.Done()
			scopes = append(scopes, s)
		}
		b.end(context.Canceled)
		synctest.Wait()
		wantEnded(t, "below the first", scopes[0], context.Canceled, context.Canceled)
		wantEnded(t, "below the second", scopes[1], context.DeadlineExceeded, context.DeadlineExceeded)
		wantEnded(t, "below the third", scopes[2], context.Canceled, errBoom)
	})

	for _, closes := range []bool{true, false} {
		name := "C4/a context that announces its end only by a callback"
		if closes {
			name = "C4/a context that announces its end by a callback and by Done"
		}
		isolated(t, name, func(t *testing.T, root context.Context) {
			c := newCalling(root)
			s, shielded := cancel.New(c), cancel.New(c, cancel.Shielded())
			below, behind := cancel.New(s), cancel.New(shielded)
			std, stop := context.WithCancel(context.WithValue(s, key(1), 1))
			defer stop()
			behind.Done()
			closed := cancel.New(c)
			closed.Close()
			if n := len(c.fs); n != 2 {
				t.Errorf("%d registrations, want 2", n)
			}
			c.end(closes, func() {})
			for _, ctx := range []context.Context{s, below, std} {
				wantEnded(t, "context", ctx, context.Canceled, context.Canceled)
			}
			wantOpen(t, "behind the shield", behind)
			shielded.SetShield(true)
			wantOpen(t, "behind the shield", behind)
			shielded.SetShield(false)
			wantEnded(t, "shielded before", shielded, context.Canceled, context.Canceled)
			wantEnded(t, "behind the shield", behind, context.Canceled, context.Canceled)
			late := cancel.New(c)
			synctest.Wait()
			wantEnded(t, "late", late, context.Canceled, context.Canceled)
			if cancel.Kids(s) != 0 || cancel.Kids(shielded) != 0 {
				t.Error("scopes are listed, want none")
			}
			wantNoHub(t)
		})
	}

	isolated(t, "C8/a scope made below a context that has ended is not listed", func(t *testing.T, root context.Context) {
		up := cancel.New(root)
		std, stop := context.WithCancel(up)
		stop()
		b := newBlunt(up)
		b.end(context.Canceled)
		for _, ctx := range []context.Context{std, b} {
			cancel.New(ctx)
			cancel.New(context.WithValue(ctx, key(1), 1), cancel.Timeout(time.Hour))
			cancel.UntilStop(ctx)
		}
		if n := cancel.Kids(up); n != 0 {
			t.Errorf("%d scopes are listed, want 0", n)
		}
	})

	isolated(t, "C4/scopes leave a shared registration, twice", func(t *testing.T, root context.Context) {
		for _, leaves := range [][]int{{0}, {1}, {2}, {0, 1}, {2, 1}, {0, 2}, {1, 0}} {
			ctx, stop := context.WithCancelCause(root)
			scopes := make([]*cancel.Scope, 3)
			for i := range scopes {
				scopes[i] = cancel.New(ctx)
				scopes[i].Done()
			}
			for _, i := range leaves {
				scopes[i].Cancel(nil)
				scopes[i].Close()
				scopes[i].SetTimeout(0)
			}
			if n := cancel.Hubs(); n != 1 {
				t.Errorf("%v left: %d registrations, want 1", leaves, n)
			}
			stop(errBoom)
			synctest.Wait()
			for i, s := range scopes {
				if !isClosed(s.Done()) {
					t.Errorf("%v left: scope %d did not end", leaves, i)
				}
			}
			wantNoHub(t)
		}
	})

	t.Run("C4/a registered scope shows the end of its parent at once", func(t *testing.T) {
		for range 200 {
			ctx, stop := context.WithCancelCause(context.Background())
			s := cancel.New(ctx)
			s.Done()
			wantOpen(t, "scope", s)
			stop(errBoom)
			if err := s.Err(); err != context.Canceled {
				t.Fatalf("Err() = %v at once, want %v", err, context.Canceled)
			}
		}
	})

	isolated(t, "C4/a scope that stays open stays registered", func(t *testing.T, root context.Context) {
		for name, use := range map[string]func(s *cancel.Scope){
			"asked for an echo":        func(s *cancel.Scope) { s.IsEcho(context.DeadlineExceeded) },
			"a deadline that moves":    func(s *cancel.Scope) { s.SetTimeout(time.Second); s.SetTimeout(time.Hour); time.Sleep(time.Minute) },
			"a shield that is lowered": func(s *cancel.Scope) { s.SetShield(true); s.SetShield(false) },
		} {
			ctx, stop := context.WithCancelCause(root)
			s := cancel.New(ctx)
			done := s.Done()
			use(s)
			stop(errBoom)
			synctest.Wait()
			if !isClosed(done) {
				t.Errorf("%s: Done() is open after the end of the parent", name)
			}
			wantEnded(t, name, s, context.Canceled, errBoom)
		}
	})

	isolated(t, "C8/a scope that is ended by its parent removes its registration", func(t *testing.T, root context.Context) {
		up := cancel.New(root)
		c := newCalling(up)
		s := cancel.New(c)
		c.end(true, func() {
			up.Cancel(errBoom)
			wantEnded(t, "scope", s, context.Canceled, errBoom)
			if n := len(c.fs); n != 0 {
				t.Errorf("%d registrations are left, want 0", n)
			}
		})
	})

	isolated(t, "C7/a callback comes while a shield is up, and the shield is raised again", func(t *testing.T, root context.Context) {
		c := newCalling(root)
		s := cancel.New(c)
		s.SetShield(true)
		c.end(false, func() {})
		wantOpen(t, "scope", s)
		s.Cancel(errBoom)
		s.SetShield(false)
		wantEnded(t, "scope", s, context.Canceled, errBoom)
	})

	isolated(t, "C4/a type that embeds a scope and has its own Done", func(t *testing.T, root context.Context) {
		for _, byScope := range []bool{true, false} {
			up := cancel.New(root)
			b := newBlunt(root)
			s := cancel.New(withDone{up, b})
			below := cancel.New(s)
			below.Done()
			if byScope {
				up.OnDone(func() { b.end(context.Canceled) })
				up.Cancel(errBoom)
				wantEnded(t, "below", below, context.Canceled, errBoom)
			} else {
				b.end(context.DeadlineExceeded)
				synctest.Wait()
				wantEnded(t, "below", below, context.DeadlineExceeded, context.DeadlineExceeded)
				wantOpen(t, "the scope embedded", up)
			}
			if cancel.FromContext(withDone{up, b}) != up {
				t.Error("FromContext() is not the embedded scope")
			}
			up.Close()
			if n := cancel.Kids(up); n != 0 {
				t.Errorf("%d scopes are listed, want 0", n)
			}
		}
		wantNoHub(t)
	})
}

// C8: scopes below one standard context share a registration, which does not keep scopes
// that have left.
func TestSharedRegistrationKeepsNothing(t *testing.T) {
	type data struct{ _ [1 << 10]byte }
	base, stop := context.WithCancel(t.Context())
	defer stop()
	var gone weak.Pointer[data]
	other := cancel.New(base)
	defer other.Close()
	func() {
		value := new(data)
		gone = weak.Make(value)
		first := cancel.New(context.WithValue(base, key(1), value))
		first.Done()
		other.Done()
		first.Close()
	}()
	runtime.GC()
	runtime.GC()
	if gone.Value() != nil {
		t.Error("a value of a scope that has left is still reachable")
	}
}

// C4, C12: a hook that ends its goroutine does not keep a cancellation or a stop from
// arriving.
func TestHookThatExits(t *testing.T) {
	for hooked := range 3 {
		exits := func(i int, s *cancel.Scope) {
			if i == hooked {
				s.OnDone(runtime.Goexit)
			}
		}
		t.Run(fmt.Sprint("C4/siblings, hook ", hooked), func(t *testing.T) {
			base, stop := context.WithCancelCause(t.Context())
			var scopes []*cancel.Scope
			for i := range 3 {
				s := cancel.New(base)
				s.Done()
				exits(i, s)
				scopes = append(scopes, s)
			}
			stop(errBoom)
			for i, s := range scopes {
				<-s.Done()
				wantEnded(t, fmt.Sprint("scope ", i), s, context.Canceled, errBoom)
				s.Close()
			}
		})
		t.Run(fmt.Sprint("C12/Shutdown, hook ", hooked), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				root := cancel.New(t.Context())
				var listeners []*cancel.Scope
				for i := range 3 {
					l := cancel.New(cancel.UntilStop(cancel.New(root, cancel.Shielded())))
					exits(i, l)
					listeners = append(listeners, l)
				}
				go root.Shutdown(time.Minute)
				synctest.Wait()
				for i, l := range listeners {
					wantEnded(t, fmt.Sprint("listener ", i), l, context.Canceled, cancel.ErrStopping)
				}
				wantOpen(t, "root", root)
				time.Sleep(time.Minute)
				synctest.Wait()
				wantEnded(t, "root", root, context.Canceled, cancel.ErrGraceExpired)
			})
		})
	}
	t.Run("C12/Shutdown without a grace", func(t *testing.T) {
		root := cancel.New(t.Context())
		cancel.New(cancel.UntilStop(root)).OnDone(runtime.Goexit)
		go root.Shutdown(0)
		<-root.Done()
		wantEnded(t, "root", root, context.Canceled, cancel.ErrGraceExpired)
	})
	t.Run("C8/Close", func(t *testing.T) {
		root := cancel.New(t.Context())
		s := cancel.New(root)
		cancel.UntilStop(context.WithoutCancel(s))
		s.OnDone(runtime.Goexit)
		closed := make(chan struct{})
		go func() {
			defer close(closed)
			s.Close()
		}()
		<-closed
		if n := cancel.Kids(root); n != 0 {
			t.Errorf("%d scopes are listed in the root, want 0", n)
		}
	})
}

// A locking is a context of a foreign type with methods that take a lock. The function
// inside runs in a call of one of them.
type locking struct {
	*blunt
	mu     sync.Mutex
	inside func()
}

func (l *locking) lock() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.inside != nil {
		l.inside()
	}
}

func (l *locking) Done() <-chan struct{} { l.lock(); return l.blunt.Done() }
func (l *locking) Err() error            { l.lock(); return l.blunt.Err() }
func (l *locking) Value(key any) any     { l.lock(); return l.blunt.Value(key) }

// C13: Cancel and its kin do not call methods of contexts of other types.
func TestCancelCallsNoMethod(t *testing.T) {
	for name, end := range map[string]func(s *cancel.Scope){
		"Cancel":      func(s *cancel.Scope) { s.Cancel(errBoom) },
		"Close":       (*cancel.Scope).Close,
		"SetTimeout":  func(s *cancel.Scope) { s.SetTimeout(0) },
		"SetDeadline": func(s *cancel.Scope) { s.SetDeadline(time.Unix(1, 0)) },
		"Shutdown":    func(s *cancel.Scope) { s.Shutdown(0) },
		"Stop":        (*cancel.Scope).Stop,
	} {
		for _, above := range []bool{true, false} {
			t.Run(fmt.Sprint("C13/", name, " above: ", above), func(t *testing.T) {
				outer := cancel.New(t.Context())
				l := &locking{blunt: newBlunt(outer)}
				inner := cancel.New(l)
				cancel.New(inner).Err()
				s := inner
				if above {
					s = outer
				}
				s.Err()
				l.mu.Lock() // a call of a method would now block forever
				l.end(errBoom)
				end(s)
				l.mu.Unlock()
				inner.Close()
				outer.Close()
			})
		}
	}
}

// C5: the end of a standard context counts before a later Cancel, although a goroutine
// forwards it to the scope.
func TestFirstEndWins(t *testing.T) {
	errLater := errors.New("later")
	for name, enclose := range map[string]func(b *cancel.Scope){
		"C5/not registered":      func(*cancel.Scope) {},
		"C5/registered before":   func(b *cancel.Scope) { b.Done() },
		"C5/with an open shield": func(b *cancel.Scope) { b.SetShield(true); b.SetShield(false) },
	} {
		t.Run(name, func(t *testing.T) {
			for range 100 {
				base, stop := context.WithCancelCause(t.Context())
				b := cancel.New(base)
				enclose(b)
				s := cancel.New(b)
				std, stopStd := context.WithCancel(s)
				below := cancel.New(std)
				stop(errBoom)
				below.Cancel(errLater)
				wantEnded(t, "scope below a standard context", below, context.Canceled, errBoom)
				wantEnded(t, "scope", s, context.Canceled, errBoom)
				stopStd()
				b.Close()
			}
		})
	}
}

// A circular is an error that unwraps to itself indirectly.
type circular struct{ other *circular }

func (*circular) Error() string   { return "circular" }
func (c *circular) Unwrap() error { return c.other }

func TestForeignErrInACircle(t *testing.T) {
	c := &circular{&circular{}}
	c.other.other = c
	b := newBlunt(t.Context())
	s := cancel.New(b)
	b.end(c)
	wantEnded(t, "scope", s, context.Canceled, c)
}
