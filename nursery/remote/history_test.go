package remote_test

import (
	"sync"
	"testing"
	"time"

	"github.com/grove-go/grove/nursery/remote"
)

// A history is what handlers did. It holds rule R7 to account: no attempt of a task begins
// twice, and no two attempts run at the same time.
type history struct {
	began    time.Time
	overlaps bool // attempts may overlap, because a handler ignores its context

	mu   sync.Mutex
	runs []*stint
}

// A stint is one run of a handler.
type stint struct {
	name  string
	info  remote.TaskInfo
	begin time.Duration
	end   time.Duration // 0: it runs
	cause error         // of its context
}

func (h *history) begin(j job, info remote.TaskInfo) *stint {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &stint{name: j.Name, info: info, begin: time.Since(h.began)}
	h.runs = append(h.runs, s)
	return s
}

func (h *history) end(s *stint, cause error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s.end, s.cause = time.Since(h.began), cause
}

// of returns the stints of the job with that name.
func (h *history) of(name string) (all []stint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.runs {
		if s.name == name {
			all = append(all, *s)
		}
	}
	return all
}

// running returns how many stints have not ended.
func (h *history) running() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range h.runs {
		if s.end == 0 {
			n++
		}
	}
	return n
}

// check fails the test if the history breaks a rule.
func (h *history) check(t *testing.T) {
	t.Helper()
	h.mu.Lock()
	defer h.mu.Unlock()
	type key struct {
		caller string
		task   int64
	}
	last := make(map[key]*stint)
	for _, s := range h.runs { // in the order of their beginnings
		if s.end == 0 {
			t.Errorf("R1: %s (attempt %d) still runs at the end", s.name, s.info.Attempt)
		}
		k := key{s.info.Caller, s.info.Task}
		if l := last[k]; l != nil {
			if s.info.Attempt <= l.info.Attempt {
				t.Errorf("R7: %s: attempt %d begins after attempt %d", s.name, s.info.Attempt, l.info.Attempt)
			}
			if !h.overlaps && (l.end == 0 || s.begin < l.end) {
				t.Errorf("R7: %s: attempt %d begins at %v, and attempt %d ends at %v", s.name, s.info.Attempt, s.begin, l.info.Attempt, l.end)
			}
		}
		last[k] = s
	}
}
