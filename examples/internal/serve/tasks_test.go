package serve_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

func TestTasks(t *testing.T) {
	defer debug.Enable()() // as nursery.Main does
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var out strings.Builder
	err := nursery.Run(t.Context(), func(ctx context.Context, n *nursery.Nursery) error {
		if err := serve.Tasks(ctx, n, "", &out); err != nil || n.Stats().Running != 0 || out.Len() > 0 {
			t.Errorf("without an address: %v, %d tasks, and it wrote %q", err, n.Stats().Running, &out)
		}
		if err := serve.Tasks(ctx, n, "127.0.0.1:0", &out); err != nil {
			return err
		}
		n.Scope().Stop() // a page is of most use then
		address := strings.TrimSpace(strings.TrimPrefix(out.String(), "the task tree is at "))
		tree, err := fetch(ctx, client, address)
		if !strings.Contains(tree, "─ task tree  ") {
			t.Errorf("at %s there is %q, want the tree", address, tree)
		}
		if err != nil {
			return err
		}
		_, port, _ := strings.Cut(strings.Trim(address, "/"), "127.0.0.1:")
		err = serve.Tasks(ctx, n, "127.0.0.1:"+port, &out)
		if opError := new(net.OpError); !errors.As(err, &opError) {
			t.Errorf("where there is a server: %v, want the error of the network", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
