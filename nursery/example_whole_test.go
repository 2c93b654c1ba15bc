package nursery_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
)

// A page needs all its parts.
func ExampleGather() {
	load := func(part string) func(ctx context.Context) (string, error) {
		return func(context.Context) (string, error) { return "<" + part + ">", nil }
	}
	parts, err := nursery.Gather(context.Background(), load("header"), load("article"), load("footer"))
	fmt.Println(strings.Join(parts, " "), err)
	// Output: <header> <article> <footer> <nil>
}

// A page shows the parts that it can get.
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

// What has failed is replaced by something that does instead.
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

// The user has answered, or the file that has the answer has come: either ends the other.
func ExampleRace() {
	file := make(chan string, 1)
	file <- "yes, says the file"
	fmt.Println(nursery.Race(context.Background(),
		func(ctx context.Context) (string, error) { return <-file, nil },
		func(ctx context.Context) (string, error) { return "", cancel.Forever(ctx) }, // no key is pressed
	))
	// Output: yes, says the file <nil>
}

// Any mirror will do.
func ExampleFirst() {
	fmt.Println(nursery.First(context.Background(),
		func(context.Context) (string, error) { return "", errors.New("mirror 1 is down") },
		func(context.Context) (string, error) { return "from mirror 2", nil },
	))
	// Output: from mirror 2 <nil>
}

// The rows of an image are computed on all processors, each in its place.
func ExampleFor() {
	image := make([]string, 3)
	err := nursery.For(context.Background(), len(image), func(_ context.Context, y int) error {
		image[y] = strings.Repeat("#", y+1)
		return nil
	})
	fmt.Println(image, err)
	// Output: [# ## ###] <nil>
}

// The results stand in the order of the items, whichever came first.
func ExampleMap() {
	names := []string{"ada", "grace", "barbara"}
	greetings, err := nursery.Map(context.Background(), names, func(_ context.Context, name string) (string, error) {
		return "Hello " + name, nil
	}, nursery.Limit(8))
	fmt.Println(strings.Join(greetings, ", "), err)
	// Output: Hello ada, Hello grace, Hello barbara <nil>
}

// A file of any size is read no faster than its lines are dealt with.
func ExampleEach() {
	lines := strings.Lines("one\ntwo\nthree\n") // or those of a file, or the rows of a table
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

// Pages come in order, while the next ones are being fetched.
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

// What is quick does not wait for what is slow.
func ExampleStreamUnordered() {
	shown := make(chan struct{})
	load := func(ctx context.Context, name string) (string, error) {
		if name == "film" { // takes until the text is on the screen
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
