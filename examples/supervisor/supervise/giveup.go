package supervise

import (
	"slices"
	"time"

	"github.com/grove-go/grove/nursery"
)

// A GaveUpError is the error of a [Supervisor] that has given up, because its workers
// failed too often or a back-off allows no more restarts.
type GaveUpError struct {
	Failures error // a [*nursery.GroupError] with the failures in the time Within, in order
}

// Error returns the failures in one line.
func (e *GaveUpError) Error() string { return "gave up: " + e.Failures.Error() }

// Unwrap returns the failures.
func (e *GaveUpError) Unwrap() error { return e.Failures }

// A failure is a failure of a worker that a restart may follow.
type failure struct {
	at  time.Time
	err *nursery.TaskError
}

// count counts a failure. It returns nil if the worker may be restarted. If the supervisor
// gives up at this failure, count returns a GaveUpError. If it has given up before, count
// returns err.
func (s *Supervisor) count(m *member, err error, enough bool) error {
	failures, over := s.add(failure{time.Now(), &nursery.TaskError{Task: m.Name, Err: err}}, m, enough)
	switch {
	case !over:
		return nil
	case failures == nil:
		return err
	}
	errs := make([]error, len(failures))
	for i, f := range failures {
		errs[i] = f.err
	}
	return &GaveUpError{nursery.NewGroupError("", errs...)}
}

// add adds a failure to the failures in the time Within. It reports whether there are too
// many, and returns them the first time.
func (s *Supervisor) add(f failure, m *member, enough bool) (failures []failure, over bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gaveUp != nil {
		return nil, true
	}
	s.failures = slices.DeleteFunc(s.failures, func(old failure) bool { return f.at.Sub(old.at) > s.Within })
	s.failures = append(s.failures, f)
	if !enough && len(s.failures) <= s.Restarts {
		return nil, false
	}
	s.gaveUp = m
	return s.failures, true
}
