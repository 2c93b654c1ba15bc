// Package supervise runs workers for a long time, restarts workers that fail, and stops
// them in order, as Erlang's supervisors do. Copy it into an application and change it
// there.
//
// A [Supervisor] is a nursery with a loop as a task for each worker. Each run of a worker
// is a nursery of its own, so nothing of a run is left when the worker runs again.
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

// A Restart says when a worker is restarted.
type Restart int

// The values of Restart, by their names in Erlang.
const (
	Permanent Restart = iota // after each return
	Transient                // after a failure
	Temporary                // never
)

// ErrReturned is the failure of a [Permanent] worker that has returned nil.
var ErrReturned = errors.New("returned without being asked to stop")

// A Worker runs until it is asked to stop; see [cancel.UntilStop].
type Worker struct {
	Name string

	// Run calls started when it is ready. The next worker starts after that. An error, a
	// panic, and a return without a call of started are failures.
	Run func(ctx context.Context, started func()) error

	Restart Restart         // when to call Run again; default: Permanent
	Backoff backoff.BackOff // the wait before a restart; not shared; default: NewExponentialBackOff
	Grace   time.Duration   // how long the worker may take to stop before it is canceled
}

// A Supervisor runs workers. Its fields must not be changed while it runs.
type Supervisor struct {
	Workers []Worker // in the order of their start

	// Restarts is the number of restarts, of all workers together, within the time Within.
	// At the next failure the supervisor gives up.
	Restarts int
	Within   time.Duration

	Steady time.Duration // a worker that was ready for so long begins its back-off anew
	Log    *slog.Logger  // default: none

	state
}

// Run starts the workers, each when the worker before it is ready, and calls started when
// all are ready. It returns when all have ended, with the failures that were not followed
// by a restart.
//
// When Run is asked to stop, it stops the workers in reverse order. It asks a worker when
// the worker after it has ended, and gives each its Grace. Until then a worker is restarted
// as before. Run also stops the workers when it gives up, and then returns a
// [*GaveUpError]. If ctx is canceled, all workers are canceled at once. If a worker calls
// [runtime.Goexit], all are canceled as well, and the Goexit goes on in the caller. Run
// panics if a worker has no Run.
//
// Run may be called again when it has returned. It may be the Run of a [Worker], which
// makes a tree of supervisors.
//
// The contexts of the workers do not derive from ctx and have none of its values, because a
// stop of ctx would reach all workers at the same time.
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
			case <-m.loop.Done(): // the worker is not restarted
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
			if ctx.Err() == nil { // otherwise the workers are being canceled
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

// A member is a worker under a supervisor.
type member struct {
	Worker
	supervisor *Supervisor
	scope      *cancel.Scope // for all its runs
	loop       *nursery.Task[struct{}]
	ready      chan struct{} // closed when the worker is ready for the first time
	wasReady   sync.Once
	status     WorkerStatus // guarded by supervisor.mu
}

// keep runs the worker again and again, until it ends for good. Its error is the failure
// that was not followed by a restart.
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
			return none, nil // it returned because it was asked to stop
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
		_ = cancel.Sleep(asked, wait) // the loop checks whether to stop
	}
	return none, cancel.Err(m.scope) // nil if only asked to stop
}

// once runs the worker once. It returns the error of the run, and whether the worker was
// ready for so long that its back-off begins anew.
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
		err = group.Unwrap()[0] // the nursery has one task, so there is one failure
	}
	return !since.IsZero() && time.Since(since) >= m.supervisor.Steady, err
}
