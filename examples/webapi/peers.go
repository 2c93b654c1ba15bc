package main

import (
	"context"
	"encoding/json"
	"log"
	"net/http"
	"strconv"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

// A peer plays an upstream. It takes time for an answer, and misbehaves for some ids.
type peer struct {
	name    string
	latency time.Duration
	hangs   int64 // it never answers for this id
	fails   int64 // it fails for this id
	answer  func(id int64) any
	log     *log.Logger
}

// peers returns all peers.
func peers(latency time.Duration, logger *log.Logger) (prices, reviews, mail peer) {
	prices = peer{"prices", latency, 4, 5, func(id int64) any {
		return Price{900 + int(id%20)*50, "EUR"}
	}, logger}
	reviews = peer{"reviews", latency, 6, 7, func(id int64) any {
		return []Review{{3 + int(id%3), "Read it in one night."}}
	}, logger}
	mail = peer{"mail", latency, 0, 0, func(int64) any { return "sent" }, logger}
	return prices, reviews, mail
}

// start serves the peer on the loopback interface, as a daemon of n, so the peer answers as
// long as n is open.
func (p peer) start(ctx context.Context, n *nursery.Nursery, client *http.Client) (upstream, error) {
	root, err := nursery.Start(ctx, n, serve.Loopback(p), nursery.Daemon(), nursery.Name(p.name))
	return upstream{p.name, client, root}, err
}

// ServeHTTP answers a request about the id in the path. It logs if the client does not wait
// for the answer.
func (p peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id, err := strconv.ParseInt(r.URL.Path[1:], 10, 64)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	wait := p.latency
	if id == p.hangs {
		wait = 24 * time.Hour
	}
	if err := cancel.Sleep(r.Context(), wait); err != nil {
		p.log.Printf("%s: asked about %d, but the client has gone", p.name, id)
		return
	}
	if id == p.fails {
		http.Error(w, "out of order", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(p.answer(id)); err != nil {
		p.log.Printf("%s: %v", p.name, err)
	}
}
