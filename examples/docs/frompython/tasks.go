package frompython

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"slices"

	"github.com/grove-go/grove/nursery"
)

func startSoon(ctx context.Context) error {
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return save(ctx, "a") })
		n.Go(func(ctx context.Context) error { return save(ctx, "b") })
		return nil
	})
	if err != nil {
		return err
	}
	fmt.Println("both are saved")
	return nil
}

// save fetches a page and prints it.
func save(ctx context.Context, url string) error {
	page, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	fmt.Println("saved", page)
	return nil
}

func gather(ctx context.Context) error {
	pages, err := nursery.Gather(ctx,
		func(ctx context.Context) (string, error) { return fetch(ctx, "a") },
		func(ctx context.Context) (string, error) { return fetch(ctx, "b") },
	)
	if err != nil {
		return err
	}
	fmt.Println(pages[0], pages[1])
	return nil
}

func mapURLs(ctx context.Context, urls []string) ([]string, error) {
	pages, err := nursery.Map(ctx, urls, fetch, nursery.Limit(8))
	return pages, err
}

func settle(ctx context.Context) {
	outcomes := nursery.Settle(ctx,
		func(ctx context.Context) (string, error) { return fetch(ctx, "a") },
		func(ctx context.Context) (string, error) { return fetch(ctx, "nope") },
	)
	for _, o := range outcomes {
		if o.Err != nil {
			fmt.Println("failed:", o.Err)
			continue
		}
		fmt.Println(o.Value)
	}
}

func asCompleted(ctx context.Context, urls []string) error {
	pages := nursery.StreamUnordered(ctx, slices.Values(urls), fetch)
	for page, err := range pages {
		if err != nil {
			return err
		}
		fmt.Println(page)
	}
	return nil
}

func createTask(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		task := nursery.Spawn(n, func(ctx context.Context) (string, error) {
			return fetch(ctx, "a")
		})
		fmt.Println("meanwhile")
		page, err := task.Wait(ctx)
		fmt.Println(page)
		return err
	})
}

func cancelTask(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		task := nursery.Spawn(n, func(ctx context.Context) (string, error) {
			return fetch(ctx, "slow")
		})
		task.Cancel(errors.New("enough"))
		if _, err := task.Wait(ctx); errors.Is(err, context.Canceled) {
			fmt.Println("canceled")
		}
		return ctx.Err() // nil: the nursery goes on
	})
}

func race(ctx context.Context) error {
	page, err := nursery.First(ctx,
		func(ctx context.Context) (string, error) { return fetch(ctx, "slow mirror") },
		func(ctx context.Context) (string, error) { return fetch(ctx, "mirror") },
	)
	fmt.Println(page)
	return err
}

func start(ctx context.Context, n *nursery.Nursery) (net.Addr, error) {
	addr, err := nursery.Start(ctx, n, listen, nursery.Daemon())
	return addr, err
}

func listen(ctx context.Context, started func(net.Addr)) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err // of Start
	}
	started(l.Addr())
	return serve(ctx, l)
}

func exceptStar(ctx context.Context) error {
	err := nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		n.Go(func(ctx context.Context) error { return save(ctx, "nope") })
		n.Go(func(ctx context.Context) error { return save(ctx, "broken") })
		return nil
	}, nursery.KeepGoing())
	missing, rest := nursery.Split(err, func(err error) bool {
		return errors.Is(err, fs.ErrNotExist)
	})
	fmt.Println("ignored:", missing)
	return rest
}
