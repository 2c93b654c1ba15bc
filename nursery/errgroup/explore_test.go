//go:build explore

package errgroup_test

import (
	"context"
	"errors"
	"testing"

	"github.com/grove-go/grove/internal/test/explore"
	"github.com/grove-go/grove/internal/test/kit"
	"github.com/grove-go/grove/nursery/errgroup"
)

// A scenario is a Group that several goroutines use.
type scenario struct {
	r   *explore.Run
	g   *errgroup.Group
	ran kit.Crowd
}

// goAndWait adds a goroutine that starts tasks and waits for them. Their errors have to be
// in Err then.
func (s *scenario) goAndWait(name string, tasks int) {
	err := errors.New(name)
	s.r.Go(name, func() {
		for range tasks {
			s.g.Go(func() error {
				s.r.Point("in the task")
				s.ran.Enter()
				return err
			})
		}
		s.r.Point("about to wait")
		if first := s.g.Wait(); tasks > 0 && (first == nil || !errors.Is(s.g.Err(), err)) {
			s.r.Errorf("%s: Wait() = %v, Err() = %v, want %v in it", name, first, s.g.Err(), err)
		}
	})
}

// check checks the number of tasks that have run when all goroutines have returned. None may
// be left.
func (s *scenario) check(tasks int) {
	s.r.Check(func() {
		if n := s.ran.Now(); n != tasks {
			s.r.Errorf("%d tasks have run, want %d", n, tasks)
		}
		if n := len(kit.Failures(s.g.Err())); n != tasks {
			s.r.Errorf("Err has %d failures, want %d", n, tasks)
		}
		s.r.Saw("done")
	})
}

func TestSchedules(t *testing.T) {
	for name, open := range map[string]func() *errgroup.Group{
		"the zero Group": func() *errgroup.Group { return new(errgroup.Group) },
		"WithContext": func() *errgroup.Group {
			g, _ := errgroup.WithContext(context.Background())
			return g
		},
	} {
		t.Run("E10/Go and Wait in two goroutines, "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				s := &scenario{r: r, g: open()}
				s.goAndWait("a", 1)
				s.goAndWait("b", 1)
				s.check(2)
			}, "done")
		})
		t.Run("E10/Wait against Go and Wait, "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				s := &scenario{r: r, g: open()}
				s.goAndWait("a", 0)
				s.goAndWait("b", 1)
				s.check(1)
			}, "done")
		})
		t.Run("E9/two tasks, "+name, func(t *testing.T) {
			explore.All(t, func(r *explore.Run) {
				s := &scenario{r: r, g: open()}
				s.goAndWait("a", 2)
				s.check(2)
			}, "done")
		})
	}
	t.Run("E10/Wait against two goroutines that call Go and Wait", func(t *testing.T) {
		explore.All(t, func(r *explore.Run) {
			s := &scenario{r: r, g: new(errgroup.Group)}
			s.goAndWait("a", 1)
			s.goAndWait("b", 0)
			s.goAndWait("c", 1)
			s.check(2)
		}, "done")
	})
}
