package remote_test

import (
	"context"
	"fmt"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

func Example() {
	ctx, urls := context.Background(), []string{"/", "/news"}
	engine := remotetest.New(remotetest.Faults{}).Host("localhost")

	Fetch := remote.Define[string, int]("crawl.fetch", remote.Idempotent()) // both sides share it
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		worker := remote.NewWorker(engine, remote.Slots(64)) // usually in other processes
		Fetch.Handle(worker, fetch)
		n.Go(worker.Run, nursery.Daemon())

		client, err := remote.NewClient(n, engine)
		if err != nil {
			return err
		}
		sizes, err := nursery.Map(ctx, urls, Fetch.Bind(client, remote.Retry(2)), nursery.Limit(200))
		fmt.Println(sizes)
		return err
	})
	fmt.Println(err)
	// Output:
	// [1 5]
	// <nil>
}
