package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A page needs all of its parts.
func ExampleGather() {
	load := func(part string) func(ctx context.Context) (string, error) {
		return func(context.Context) (string, error) { return "<" + part + ">", nil }
	}
	parts, err := nursery.Gather(context.Background(), load("header"), load("article"), load("footer"))
	fmt.Println(strings.Join(parts, " "), err)
	// Output: <header> <article> <footer> <nil>
}

// A page shows the parts that could be loaded.
func ExampleSettle() {
	for _, o := range nursery.Settle(context.Background(),
		func(context.Context) (string, error) { return "sunny", nil },
		func(context.Context) (string, error) { return "", errors.New("no news today") },
	) {
		fmt.Printf("%q %v\n", o.Value, o.Err)
	}
	// Output:
	// "sunny" <nil>
	// "" no news today
}

// The outcomes that are there in time are kept.
func ExampleSettle_timeout() {
	quick := func(context.Context) (string, error) { return "sunny", nil }
	slow := func(ctx context.Context) (string, error) { return "", cancel.Sleep(ctx, time.Hour) }
	ctx := context.Background()
	var outcomes []nursery.Outcome[string]

	late, err := cancel.MoveOnAfter(ctx, time.Second, func(ctx context.Context) error {
		outcomes = nursery.Settle(ctx, quick, slow)
		return cancel.Err(ctx)
	})

	fmt.Println(late, err, outcomes[0].Value)
	// Output: true <nil> sunny
}

// A failed outcome is replaced by a default.
func ExampleOutcome() {
	or := func(o nursery.Outcome[int], otherwise int) int {
		if o.Err != nil {
			return otherwise
		}
		return o.Value
	}
	prices := nursery.Settle(context.Background(),
		func(context.Context) (int, error) { return 42, nil },
		func(context.Context) (int, error) { return 0, errors.New("shop is closed") },
	)
	fmt.Println(or(prices[0], 40), or(prices[1], 40)) // yesterday's price
	// Output: 42 40
}

// Race returns the first answer, from the user or from a file, and cancels the other
// wait.
func ExampleRace() {
	file := make(chan string, 1)
	file <- "yes, says the file"
	fmt.Println(nursery.Race(context.Background(),
		func(ctx context.Context) (string, error) { return <-file, nil },
		func(ctx context.Context) (string, error) { return "", cancel.Forever(ctx) }, // no key is pressed
	))
	// Output: yes, says the file <nil>
}

// First returns the answer of any mirror that works.
func ExampleFirst() {
	fmt.Println(nursery.First(context.Background(),
		func(context.Context) (string, error) { return "", errors.New("mirror 1 is down") },
		func(context.Context) (string, error) { return "from mirror 2", nil },
	))
	// Output: from mirror 2 <nil>
}

// The rows of an image are computed in parallel.
func ExampleFor() {
	image := make([]string, 3)
	err := nursery.For(context.Background(), len(image), func(_ context.Context, y int) error {
		image[y] = strings.Repeat("#", y+1)
		return nil
	})
	fmt.Println(image, err)
	// Output: [# ## ###] <nil>
}

// Results are in the order of the items, no matter which call finished first.
func ExampleMap() {
	names := []string{"ada", "grace", "barbara"}
	greetings, err := nursery.Map(context.Background(), names, func(_ context.Context, name string) (string, error) {
		return "Hello " + name, nil
	}, nursery.Limit(8))
	fmt.Println(strings.Join(greetings, ", "), err)
	// Output: Hello ada, Hello grace, Hello barbara <nil>
}

// Each reads a file only as fast as its lines are processed, so the size of the file does
// not matter.
func ExampleEach() {
	lines := strings.Lines("one\ntwo\nthree\n") // or lines of a file, or rows of a table
	err := nursery.Each(context.Background(), lines, func(ctx context.Context, line string) error {
		fmt.Print(line)
		return nil
	}, nursery.Limit(1))
	fmt.Println(err)
	// Output:
	// one
	// two
	// three
	// <nil>
}

// Pages arrive in order while the next ones are being fetched.
func ExampleStream() {
	fetch := func(_ context.Context, url string) (string, error) { return "page of " + url, nil }
	show := func(ctx context.Context, urls iter.Seq[string]) error {
		for page, err := range nursery.Stream(ctx, urls, fetch, nursery.Limit(8)) {
			if err != nil {
				return err
			}
			fmt.Println(page)
		}
		return nil
	}
	fmt.Println(show(context.Background(), slices.Values([]string{"/a", "/b", "/c"})))
	// Output:
	// page of /a
	// page of /b
	// page of /c
	// <nil>
}

// StreamUnordered does not hold back a quick result for a slow one.
func ExampleStreamUnordered() {
	shown := make(chan struct{})
	load := func(ctx context.Context, name string) (string, error) {
		if name == "film" { // slow: not loaded before the text is shown
			select {
			case <-shown:
			case <-ctx.Done():
				return "", cancel.Err(ctx)
			}
		}
		return name, nil
	}
	names := slices.Values([]string{"film", "text"})
	for name, err := range nursery.StreamUnordered(context.Background(), names, load, nursery.Limit(2)) {
		fmt.Println(name, err)
		if name == "text" {
			close(shown)
		}
	}
	// Output:
	// text <nil>
	// film <nil>
}
