package supervise

import (
	"context"
	"slices"
	"time"

	"github.com/grove-go/grove/nursery"
)

// A GaveUpError says that there were more failures than a [Supervisor] may restart
// workers after, or that a back-off wants no more restarts.
type GaveUpError struct {
	Failures error // a [*nursery.GroupError] with those within the time, the last one last
}

// Error names the failures in one line.
func (e *GaveUpError) Error() string { return "gave up: " + e.Failures.Error() }

// Unwrap returns the failures.
func (e *GaveUpError) Unwrap() error { return e.Failures }

// A failure is what a worker is to be restarted after.
type failure struct {
	at  time.Time
	err *nursery.TaskError
}

// count counts a failure. It returns nil if the worker may be restarted, and otherwise
// the error that goes up instead: that of a supervisor that gives up, if it has not yet.
func (s *Supervisor) count(worker string, err error, enough bool) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp {
		return err
	}
	now := time.Now()
	s.failures = slices.DeleteFunc(s.failures, func(f failure) bool { return now.Sub(f.at) > s.Within })
	s.failures = append(s.failures, failure{now, &nursery.TaskError{Task: worker, Err: err}})
	if !enough && len(s.failures) <= s.Restarts {
		return nil
	}
	s.gaveUp = true
	return &GaveUpError{group(s.failures)}
}

// group makes a tree of failures: a nursery that fails with them.
func group(failures []failure) error {
	return nursery.For(context.Background(), len(failures), func(_ context.Context, i int) error {
		return failures[i].err
	}, nursery.KeepGoing(), nursery.Limit(1))
}
