// Grovetree draws the task tree of a program from a dump of its goroutines. The program
// need not be prepared for it.
//
//	kill -QUIT PID                 # the program prints its goroutines and ends
//	grovetree < dump.txt
//	grovetree dump.txt
//	grovetree 'http://localhost:6060/debug/pprof/goroutine?debug=2'
//
// It ends with status 1 if there are no goroutines in the dump, or if it cannot be read.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/debug"
)

func main() {
	flag.Usage = func() {
		fmt.Fprint(flag.CommandLine.Output(), "usage: grovetree [file or URL]\n\nDraws the task tree of the goroutine dump in a file, at a URL, or on standard input.\n")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() > 1 {
		flag.Usage()
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		return draw(ctx, flag.Arg(0), os.Stdin, os.Stdout)
	})
}

// draw draws the tree of a dump, which is in a file, at a URL, or in what stdin has if the
// source is empty.
func draw(ctx context.Context, source string, stdin io.Reader, out io.Writer) error {
	dump := stdin
	if source != "" {
		r, err := open(ctx, source)
		if err != nil {
			return err
		}
		defer r.Close()
		dump = r
	}
	s, err := debug.Parse(dump)
	if err != nil {
		return err
	}
	if s.Goroutines == 0 {
		return errors.New("no goroutines in the dump; want the output of SIGQUIT or /debug/pprof/goroutine?debug=2")
	}
	if source != "" {
		s.Program = source
	}
	return s.WriteText(out)
}

// open opens a file or a URL.
func open(ctx context.Context, source string) (io.ReadCloser, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		return os.Open(source)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, errors.Join(fmt.Errorf("GET %s: %s", source, answer.Status), answer.Body.Close())
	}
	return answer.Body, nil
}
