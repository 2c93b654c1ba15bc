// Seeing is a program that hangs, for docs/seeing.md to find out why. It mirrors a site:
// tasks fetch pages, a task saves them, and a task writes reports about the saved pages.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug/web"
)

const (
	urls        = 10_000
	reportAfter = 10 // pages
)

// A mirror is what the tasks share.
type mirror struct {
	pages *channel.Sender[string]
	saves *channel.Receiver[string]
	due   chan struct{} // a report is due

	mu    sync.Mutex
	saved []string // guarded by mu
}

func newMirror() *mirror {
	s, r := channel.New[string](0)
	return &mirror{pages: s, saves: r, due: make(chan struct{}, 1)}
}

// run mirrors the site.
func (m *mirror) run(ctx context.Context, n *nursery.Nursery) error {
	n.Go(m.fetchAll, nursery.Name("fetch"))
	n.Go(m.save, nursery.Name("save"))
	n.Go(m.report, nursery.Name("report"))
	return nil
}

func (m *mirror) fetchAll(ctx context.Context) error {
	return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
		for i := range urls {
			n.Go(func(ctx context.Context) error { return m.fetch(ctx, i) })
		}
		return nil
	}, nursery.Limit(2), nursery.Name("pages"))
}

func (m *mirror) fetch(ctx context.Context, i int) error {
	return m.pages.Send(ctx, fmt.Sprintf("page-%d.html", i))
}

// save saves one page after the other.
func (m *mirror) save(ctx context.Context) error {
	for page, err := range m.saves.All(ctx) {
		if err != nil {
			return err
		}
		m.mu.Lock()
		m.saved = append(m.saved, page)
		due := len(m.saved) == reportAfter
		m.mu.Unlock()
		if due {
			m.due <- struct{}{}
		}
	}
	return nil
}

// report writes two pages about the pages that were saved.
func (m *mirror) report(ctx context.Context) error {
	select {
	case <-m.due:
	case <-ctx.Done():
		return cancel.Err(ctx)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, page := range []string{"index.html", "feed.xml"} {
		if err := m.pages.Send(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

// serve serves the task tree at /debug/tasks/ until ctx is done.
func serve(ctx context.Context, l net.Listener) error {
	mux := http.NewServeMux()
	mux.Handle("/debug/tasks/", web.Handler())
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	defer cancel.FromContext(ctx).OnDone(func() { _ = server.Close() })() // Serve returns then
	if err := server.Serve(l); err != http.ErrServerClosed {
		return err
	}
	return cancel.Err(ctx)
}

func main() {
	addr := flag.String("debug", "127.0.0.1:6061", "address of the task tree")
	flag.Parse()
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		l, err := net.Listen("tcp", *addr)
		if err != nil {
			return err
		}
		fmt.Printf("tasks: http://%v/debug/tasks/\n", l.Addr())
		n.Go(func(ctx context.Context) error { return serve(ctx, l) }, nursery.Name("debug"), nursery.Daemon())
		return newMirror().run(ctx, n)
	}, nursery.Name("mirror"), nursery.Grace(500*time.Millisecond))
}
