// Pipeline reads Go files line by line and writes the remarks in them, such as TODO and
// BUG, as CSV.
//
//	go run ./examples/pipeline [flags] [FOLDER]
//
// Without a folder it reads the sources of the Go installation.
//
// It shows a pipeline of three stages with bounded channels between them: a task reads,
// several tasks parse, and a task writes, slowly. While it runs it prints to standard error
// how full the channels are and which stages wait. The stages before a slow stage wait for
// it, and no queue grows.
//
// Each line that it has read is written, or it says how many lines were lost:
//
//   - At the end of the input, and when reading fails, the later stages finish their work.
//   - When writing fails, the earlier stages get an error from their channel, and stop.
//   - At the first Ctrl-C it stops reading and writes what it has read. A second Ctrl-C cuts
//     it off.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/grove-go/grove/examples/internal/flags"
	"github.com/grove-go/grove/examples/internal/goroot"
	"github.com/grove-go/grove/nursery"
)

// options are the flags and arguments of the command line.
type options struct {
	folder  string
	out     string
	workers int
	delay   time.Duration
	every   time.Duration
}

func main() {
	o, err := parseFlags(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		os.Exit(2)
	}
	nursery.Main(func(ctx context.Context, _ *nursery.Nursery) error {
		return run(ctx, o, os.Stdout, os.Stderr)
	}, nursery.Name("pipeline"), nursery.Grace(time.Minute))
}

// parseFlags reads the command line. It writes errors in it to usage.
func parseFlags(args []string, usage io.Writer) (options, error) {
	var o options
	f := flag.NewFlagSet("pipeline", flag.ContinueOnError)
	f.SetOutput(usage)
	f.Usage = func() {
		fmt.Fprintln(usage, "usage: pipeline [flags] [FOLDER]")
		f.PrintDefaults()
	}
	f.StringVar(&o.out, "o", "", "write to this file; default: standard output")
	f.IntVar(&o.workers, "workers", 4, "parse with so many workers")
	f.DurationVar(&o.delay, "delay", time.Millisecond, "wait after each write, as a slow database would make it")
	f.DurationVar(&o.every, "every", 500*time.Millisecond, "print how it goes so often")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	var err error
	switch {
	case f.NArg() > 1:
		err = fmt.Errorf("one folder at most, got %q", f.Args())
	default:
		err = cmp.Or(
			flags.Within("workers", o.workers, 1, 1000),
			flags.Within("delay", o.delay, 0, time.Minute),
			flags.Within("every", o.every, time.Millisecond, time.Hour))
	}
	if err != nil {
		fmt.Fprintln(usage, "pipeline:", err)
	}
	o.folder = f.Arg(0)
	return o, err
}

// run runs the pipeline on files, and prints a summary even if the pipeline fails.
func run(ctx context.Context, o options, stdout, log io.Writer) (err error) {
	if o.folder == "" {
		root, err := goroot.Find(ctx)
		if err != nil {
			return err
		}
		o.folder = filepath.Join(root, "src")
	}
	out := stdout
	if o.out != "" {
		f, err := os.Create(o.out)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	p := newPipeline(os.DirFS(o.folder), out, log, o)
	began := time.Now()
	err = p.run(ctx)
	fmt.Fprintf(log, "%s in %v\n", p.summary(), time.Since(began).Round(time.Millisecond))
	return err
}

// goFiles calls each for the Go files in fsys, in order.
func goFiles(fsys fs.FS, each func(name string) error) error {
	return fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(name) != ".go":
			return nil
		}
		return each(name)
	})
}
