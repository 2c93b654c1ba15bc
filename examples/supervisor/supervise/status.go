package supervise

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v6"

	"github.com/grove-go/grove/nursery"
)

// A State says what a worker is doing.
type State string

// The states of a worker.
const (
	Pending  State = "pending"  // earlier workers are not ready
	Starting State = "starting" // it runs and is not ready
	Ready    State = "ready"
	Waiting  State = "waiting"  // for its next run
	Stopping State = "stopping" // it was asked to stop
	Ended    State = "ended"    // it will not run again
)

// A WorkerStatus describes a worker.
type WorkerStatus struct {
	Name  string    `json:"name"`
	State State     `json:"state"`
	Since time.Time `json:"since"`           // begin of the state
	Runs  int       `json:"runs"`            // runs that have begun
	Error string    `json:"error,omitempty"` // of the last run that failed
}

// A Status describes a supervisor and its workers.
type Status struct {
	Ready   bool           `json:"ready"` // each worker is ready or has ended
	GaveUp  bool           `json:"gaveUp"`
	Workers []WorkerStatus `json:"workers"`
}

// state is the part of a supervisor that changes while it runs.
type state struct {
	stop func() // asks the supervisor to stop

	mu       sync.Mutex // guards the fields below, and the status of each member
	members  []*member
	failures []failure // failures in the time Within, in order
	stopping bool
	gaveUp   *member // the member whose failure was too many, or nil
}

// begin resets the state and returns the members, with defaults where their workers set
// nothing.
func (s *Supervisor) begin(stop func()) []*member {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stop, s.members, s.failures, s.stopping, s.gaveUp = stop, nil, nil, false, nil
	for _, w := range s.Workers {
		if w.Run == nil {
			panic(fmt.Sprintf("supervise: Run: worker %q has no Run", w.Name))
		}
		if w.Backoff == nil {
			w.Backoff = backoff.NewExponentialBackOff()
		}
		s.members = append(s.members, &member{
			Worker:     w,
			supervisor: s,
			ready:      make(chan struct{}),
			status:     WorkerStatus{Name: w.Name, State: Pending, Since: time.Now()},
		})
	}
	return s.members
}

// unready notes that the supervisor stops. It returns the member whose failure was too
// many, or nil.
func (s *Supervisor) unready() *member {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stopping = true
	return s.gaveUp
}

// became notes and logs the state of a worker, and the failure that led to it, if any. A
// worker that is stopping can only end.
func (m *member) became(state State, failure error, attrs ...any) {
	s, level, text := m.supervisor, slog.LevelInfo, ""
	if failure != nil {
		level = slog.LevelWarn
		text = (&nursery.TaskError{Err: failure}).Error() // of a panic, without the stack
		attrs = append([]any{"err", text}, attrs...)
	}
	s.mu.Lock()
	if was := m.status.State; was == Ended || was == Stopping && state != Ended {
		s.mu.Unlock()
		return
	}
	m.status.State, m.status.Since = state, time.Now()
	if state == Starting {
		m.status.Runs++
	}
	m.status.Error = cmp.Or(text, m.status.Error)
	s.mu.Unlock()
	log := cmp.Or(s.Log, slog.New(slog.DiscardHandler)).With("worker", m.Name)
	log.Log(context.Background(), level, string(state), attrs...)
	if failure != nil {
		log.Debug("details", "err", fmt.Sprintf("%+v", failure))
	}
}

// Status returns the status of the supervisor. Before Run there are no workers, and the
// supervisor is not ready.
func (s *Supervisor) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	status := Status{Ready: len(s.members) > 0 && !s.stopping, GaveUp: s.gaveUp != nil, Workers: []WorkerStatus{}}
	for _, m := range s.members {
		status.Ready = status.Ready && (m.status.State == Ready || m.status.State == Ended)
		status.Workers = append(status.Workers, m.status)
	}
	return status
}

// Handler returns a handler for monitoring:
//
//	/healthz  200, or 503 after the supervisor has given up
//	/readyz   200 if it is ready, and 503 if not
//	/status   the [Status] as JSON
func (s *Supervisor) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, !s.Status().GaveUp, "ok\n", "gave up\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, s.Status().Ready, "ready\n", "not ready\n")
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(s.Status()) // the client may have gone
	})
	return mux
}

// answer answers with status 200 if ok, and with 503 if not.
func answer(w http.ResponseWriter, ok bool, yes, no string) {
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		yes = no
	}
	io.WriteString(w, yes) // the client may have gone
}
