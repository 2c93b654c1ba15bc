package main

import (
	"fmt"
	"net/http"

	"github.com/grove-go/grove/cancel"
)

// health answers those who watch over the program, at an address of its own that is
// there until the last request has been answered. /livez says that the program is
// alive, and /readyz whether to send requests to it: not once it was asked to stop.
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
