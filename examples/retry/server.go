package main

import (
	"fmt"
	"math"
	"net/http"
	"sync/atomic"
)

// troubled returns a site with many faults.
func troubled() http.Handler {
	mux := http.NewServeMux() // other pages are missing
	unavailable := func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }
	mux.HandleFunc("GET /ok", atFirst(0, nil))
	mux.HandleFunc("GET /flaky", atFirst(2, unavailable))
	mux.HandleFunc("GET /down", atFirst(math.MaxInt64, unavailable))
	mux.HandleFunc("GET /hangs", atFirst(1, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	later := func(seconds string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", seconds)
			unavailable(w, r)
		}
	}
	mux.HandleFunc("GET /busy", atFirst(1, later("1")))
	mux.HandleFunc("GET /tomorrow", atFirst(1, later("86400")))
	return mux
}

// atFirst returns a page that answers the first n requests with fail.
func atFirst(n int64, fail http.HandlerFunc) http.HandlerFunc {
	var requests atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) <= n {
			fail(w, r)
			return
		}
		// The client may have gone.
		_, _ = fmt.Fprintln(w, "here it is")
	}
}
