package serve

import (
	"context"
	"fmt"
	"io"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug/web"
)

// Tasks serves the task tree of the program at addr, and writes the address of the page to
// out. The server is a daemon of n and serves until it is canceled, so it ends with n. If
// addr is "", Tasks starts no server.
//
// The address should be on the loopback interface, because the tree is not for the public.
func Tasks(ctx context.Context, n *nursery.Nursery, addr string, out io.Writer) error {
	if addr == "" {
		return nil
	}
	root, err := nursery.Start(ctx, n, Server{Handler: web.Handler(), ToTheLast: true}.At(addr), nursery.Daemon(), nursery.Name("task tree"))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, "the task tree is at", root)
	return err
}
