package main

import (
	"fmt"
	"net/http"

	"github.com/grove-go/grove/cancel"
)

// health returns a handler for monitoring, which is served at an address of its own until
// the last request has been answered. /livez says that the program is alive. /readyz says
// whether to send requests to it, and fails when the program was asked to stop.
func (s *service) health() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "alive")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		state := "ready"
		if cancel.UntilStop(r.Context()).Err() != nil {
			state = "draining"
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		requests := s.limiter.Stats()
		fmt.Fprintf(w, "%s: %d of %d requests, %d waiting\n", state, requests.Borrowed, requests.Total, requests.Waiting)
	})
	return mux
}
