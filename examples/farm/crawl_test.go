package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
	"github.com/grove-go/grove/testutil"
)

// TestCrawl crawls a site of 200 pages while workers die, in virtual time.
func TestCrawl(t *testing.T) {
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		quiet := slog.New(slog.DiscardHandler)
		net := remotetest.New(remotetest.Faults{Seed: 1, Lose: 0.02, Repeat: 0.05, Delay: 5 * time.Millisecond})
		err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			defer n.Cancel(nil)
			for i := range 20 {
				n.Go(func(ctx context.Context) error {
					if err := cancel.Sleep(ctx, time.Duration(i)*time.Second); err != nil {
						return err
					}
					host := fmt.Sprint("host", i)
					s := cancel.New(ctx)
					if i < 15 { // dies
						timer := time.AfterFunc(3*time.Second, func() { net.Kill(host); s.Cancel(nil) })
						defer timer.Stop()
					}
					w := remote.NewWorker(net.Host(host), remote.Slots(4), remote.Log(quiet))
					Index.Handle(w, func(ctx context.Context, address string) (Page, error) {
						info, _ := remote.Info(ctx)
						return Page{1, 1, links(address), info.Worker, info.Attempt}, cancel.Sleep(ctx, 200*time.Millisecond)
					})
					return s.Run(func(ctx context.Context) error { return w.Run(ctx) })
				})
			}
			client, err := remote.NewClient(n, net.Host("farm"), remote.Lease(time.Second), remote.Log(quiet))
			if err != nil {
				return err
			}
			c := newCrawl(client, &url.URL{Scheme: "http", Host: "site", Path: "/"}, options{workers: 3, slots: 4})
			err = c.run(ctx, io.Discard)
			if got := c.report.pagesLocked(); got != 201 || c.report.unknown != 0 || len(c.report.broken) != 0 || c.report.attempts == 0 {
				t.Errorf("%s, %d unknown, broken: %v; want 201 pages, with more attempts", c.report.line(), c.report.unknown, c.report.broken)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// links returns the links of a page: of the first one to three others, and of page i to 3i,
// 3i+1 and 3i+2, up to 199.
func links(address string) []string {
	all := []string{"http://elsewhere/", address + "#part"}
	var i int
	if _, err := fmt.Sscanf(address, "http://site/%d", &i); err != nil {
		return append(all, "http://site/0", "http://site/1", "http://site/2")
	}
	for k := 3 * i; k < min(3*i+3, 200); k++ {
		all = append(all, fmt.Sprint("http://site/", k))
	}
	return all
}
