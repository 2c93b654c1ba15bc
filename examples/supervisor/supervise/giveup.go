package supervise

import (
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

// add adds a failure to those that count. It reports whether that was one too many, and
// returns all of them if it is the first time.
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
