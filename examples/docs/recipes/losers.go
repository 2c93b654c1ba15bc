package recipes

import (
	"context"
	"net"

	"github.com/grove-go/grove/nursery"
)

// Dial connects to all addresses at once and returns the first connection. It closes the
// others.
func Dial(ctx context.Context, addrs []string, dial func(ctx context.Context, addr string) (net.Conn, error)) (net.Conn, error) {
	conns := make([]net.Conn, len(addrs))
	tasks := make([]func(ctx context.Context) (int, error), len(addrs))
	for i, addr := range addrs {
		tasks[i] = func(ctx context.Context) (_ int, err error) {
			conns[i], err = dial(ctx, addr)
			return i, err
		}
	}
	winner := -1
	defer func() {
		for i, conn := range conns {
			if i != winner && conn != nil {
				conn.Close() // nothing was written to it
			}
		}
	}()
	first, err := nursery.First(ctx, tasks...)
	if err != nil {
		return nil, err
	}
	winner = first
	return conns[winner], nil
}
