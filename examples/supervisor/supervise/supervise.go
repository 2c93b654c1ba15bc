// Package supervise runs workers that are to run for long, restarts those that fail,
// and stops them in order, as Erlang's supervisors do. It is to be copied into an
// application, and to be changed there.
//
// A [Supervisor] is a nursery whose tasks are loops, one for each worker. Each run of a
// worker is a nursery of its own, so nothing of it is left when it runs again.
package supervise

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A Restart says what a worker is restarted after.
type Restart int

// The values of Restart, by their names in Erlang.
const (
	Permanent Restart = iota // after whatever it returns
	Transient                // after a failure
	Temporary                // after nothing
)

// ErrReturned is the failure of a [Permanent] worker that has returned nil.
var ErrReturned = errors.New("returned without being asked to stop")

// A Worker is something that runs until it is asked to stop; see [cancel.UntilStop].
type Worker struct {
	Name string

	// Run calls started when it is ready for those who build on it, which are started
	// after that. An error, a panic, and a return without started are failures.
	Run func(ctx context.Context, started func()) error

	Restart Restart         // when Run is called again; default: Permanent
	Backoff backoff.BackOff // the wait before that, not shared; default: NewExponentialBackOff
	Grace   time.Duration   // how long it may take to stop before it is canceled
}

// A Supervisor runs workers. Its fields must not be changed while it does.
type Supervisor struct {
	Workers []Worker // in the order in which they are started

	// So many restarts, of all workers together, are made within that time at most.
	// At the failure that would take one more the supervisor gives up.
	Restarts int
	Within   time.Duration

	Steady time.Duration // who was ready for so long begins its back-off anew
	Log    *slog.Logger  // default: none

	state
}

// Run starts the workers, each when the one before it is ready, and calls started when
// all are. It returns when all have ended, and what went wrong with those that were
// not restarted.
//
// Asked to stop, it stops the workers in reverse: the next one is asked when the one
// before has ended, for which it has its Grace. Whose turn has not come is restarted
// as before. The same happens when it gives up; then there is a [*GaveUpError]. If ctx
// is canceled all workers are, at once, and so they are if one calls [runtime.Goexit],
// which goes on in the caller. Run panics if a worker has no Run.
//
// Run may be called again when it has returned, and as the Run of a [Worker]: that is
// a tree of supervisors.
//
// The contexts of the workers have none of the values of ctx. They are not below it,
// for a stop reaches all that is below a scope at the same time.
func (s *Supervisor) Run(ctx context.Context, started func()) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		asked := cancel.UntilStop(ctx)
		var running []*member
		for _, m := range s.begin(n.Scope().Stop) {
			if asked.Err() != nil {
				break
			}
			m.scope = cancel.New(context.Background(), cancel.Name(m.Name))
			m.loop = nursery.Spawn(n, m.keep, nursery.Name(m.Name))
			running = append(running, m)
			select {
			case <-m.ready:
			case <-m.loop.Done(): // it is not restarted
			case <-asked.Done():
			}
		}
		if asked.Err() == nil {
			started()
		}
		for _, m := range running {
			select {
			case <-m.loop.Done():
			case <-asked.Done():
			}
		}
		if m := s.unready(); m != nil {
			<-m.loop.Done() // so that its failure comes first
		}
		for _, m := range slices.Backward(running) {
			if ctx.Err() == nil { // else they are being canceled
				m.became(Stopping, nil)
				m.scope.Shutdown(m.Grace)
			}
			<-m.loop.Done()
		}
		return nil
	}, nursery.Name("supervisor"), nursery.KeepGoing())
}

// Grace returns how long all workers together may take to stop.
func (s *Supervisor) Grace() (sum time.Duration) {
	for _, w := range s.Workers {
		sum += w.Grace
	}
	return sum
}

// A member is a worker that is being supervised.
type member struct {
	Worker
	supervisor *Supervisor
	scope      *cancel.Scope // of all its runs
	loop       *nursery.Task[struct{}]
	ready      chan struct{} // closed when it is ready for the first time
	wasReady   sync.Once
	status     WorkerStatus // guarded by supervisor.mu
}

// keep runs the worker again and again, until it ends for good. The error is what it
// was not restarted after.
func (m *member) keep(ctx context.Context) (none struct{}, err error) {
	defer m.scope.Close()
	defer m.scope.Follow(ctx)()
	defer func() { m.became(Ended, err) }()
	asked := cancel.UntilStop(m.scope)
	m.Backoff.Reset()
	for asked.Err() == nil {
		m.became(Starting, nil)
		steady, err := m.once()
		switch {
		case asked.Err() != nil && err == nursery.ErrNotStarted:
			return none, nil // it returned because it was asked to
		case asked.Err() != nil:
			return none, err
		case m.Restart == Temporary || m.Restart == Transient && err == nil:
			m.became(Ended, err)
			return none, nil
		case err == nil:
			err = ErrReturned
		}
		if steady {
			m.Backoff.Reset()
		}
		wait := m.Backoff.NextBackOff()
		if err := m.supervisor.count(m, err, wait == backoff.Stop); err != nil {
			m.supervisor.stop()
			return none, err
		}
		m.became(Waiting, err, "wait", wait)
		_ = cancel.Sleep(asked, wait) // the loop looks whether it was cut short
	}
	return none, cancel.Err(m.scope) // nil if it was asked to stop, and nothing more
}

// once runs the worker once. It tells what came of it, and whether it was ready for so
// long that its back-off begins anew.
func (m *member) once() (steady bool, err error) {
	var since time.Time
	err = nursery.Run(m.scope, func(ctx context.Context, n *nursery.Nursery) error {
		_, err := nursery.Start(ctx, n, func(ctx context.Context, started func(struct{})) error {
			return m.Run(ctx, func() { started(struct{}{}) })
		})
		if err == nil {
			since = time.Now()
			m.became(Ready, nil)
			m.wasReady.Do(func() { close(m.ready) })
		}
		return err
	}, nursery.RecoverPanics())
	if group, ok := err.(*nursery.GroupError); ok {
		err = group.Unwrap()[0] // of a nursery with one task there is no other
	}
	return !since.IsZero() && time.Since(since) >= m.supervisor.Steady, err
}
