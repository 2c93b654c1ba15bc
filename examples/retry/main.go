// Retry fetches a list of pages from a faulty server, several at a time, and retries errors
// that may not last.
//
//	go run ./examples/retry [PATH...]
//
// It starts the server itself, on the loopback interface. Without paths it fetches a page
// of each kind: pages that fail at first, hang, ask for patience, are missing, or are down
// for good. It prints for each page how it ended and after how many attempts. The status is
// 0 even if pages cannot be fetched.
//
// It shows a task in a library for back-off that knows nothing of nurseries; see retry.
// Each attempt has a timeout, and all attempts together have one. Ctrl-C ends attempts and
// waits at once.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/examples/internal/serve"
	"github.com/grove-go/grove/nursery"
)

const (
	atATime      = 3
	wholeTimeout = time.Minute
)

// everyKind is the default of the paths on the command line.
var everyKind = []string{"/ok", "/flaky", "/busy", "/missing", "/hangs", "/down"}

func main() {
	paths, err := parse(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, n *nursery.Nursery) error {
		return run(ctx, n, paths, os.Stdout)
	}, nursery.Name("retry"))
}

// parse reads the command line and returns the paths. It writes errors in it to usage.
func parse(args []string, usage io.Writer) (paths []string, err error) {
	f := flag.NewFlagSet("retry", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() { fmt.Fprintln(usage, "usage: retry [PATH...]") }
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() == 0 {
		return everyKind, nil
	}
	for _, path := range f.Args() {
		if u, err := url.Parse(path); err != nil || !strings.HasPrefix(path, "/") || u.Path != path {
			err := fmt.Errorf("PATH: must be a path that begins with /, got %q", path)
			fmt.Fprintln(usage, "retry:", err)
			f.Usage()
			return nil, err
		}
	}
	return f.Args(), nil
}

// run fetches the paths from a server of its own, until it is asked to stop. It then gives
// up at once, because nothing here is worth finishing.
func run(ctx context.Context, n *nursery.Nursery, paths []string, out io.Writer) error {
	base, err := nursery.Start(ctx, n, serve.Loopback(troubled()), nursery.Daemon(), nursery.Name("server"))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	defer client.CloseIdleConnections()
	s := cancel.New(cancel.UntilStop(ctx))
	defer s.Close()
	err = fetchAll(s, client, base, paths, out)
	if s.IsEcho(err) {
		return cancel.Err(ctx) // nil if run was only asked to stop
	}
	return err
}

// fetchAll fetches the paths, some at a time, and prints a line for each, in order.
func fetchAll(ctx context.Context, client *http.Client, base *url.URL, paths []string, out io.Writer) error {
	return cancel.FailAfter(ctx, wholeTimeout, func(ctx context.Context) error {
		lines := nursery.Stream(ctx, slices.Values(paths), func(ctx context.Context, path string) (string, error) {
			return try(ctx, client, base, path)
		}, nursery.Limit(atATime))
		for line, err := range lines {
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintln(out, line); err != nil {
				return err
			}
		}
		return nil
	})
}

// try fetches a path and returns a line about it. A page that cannot be fetched is not an
// error, because an error would end the other fetches. The error is the error of ctx.
func try(ctx context.Context, client *http.Client, base *url.URL, path string) (string, error) {
	attempts := 0
	size, err := retry(ctx, func(ctx context.Context) (int64, error) {
		attempts++
		return fetch(ctx, client, base.JoinPath(path).String())
	})
	if cancel.FromContext(ctx).IsEcho(err) {
		return "", err
	}
	result := fmt.Sprintf("%d bytes", size)
	if err != nil {
		result = err.Error()
	}
	return fmt.Sprintf("%-9s attempts: %d  %s", path, attempts, result), nil
}
