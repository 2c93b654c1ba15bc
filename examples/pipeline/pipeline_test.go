package main

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/testutil"
)

func TestMain(m *testing.M) { testutil.Main(m) }

var errFull = errors.New("disk full")

// files returns so many files with so many lines each; every tenth is a remark.
func files(n, lines int) fstest.MapFS {
	fsys := fstest.MapFS{"testdata/ignored.go": {Data: []byte("// TODO ignored\n")}, "ignored.txt": {Data: []byte("// TODO ignored\n")}}
	for i := range n {
		var b strings.Builder
		for j := range lines {
			if j%10 == 0 {
				fmt.Fprintf(&b, "x := %d // TODO %d, \"%d\"\n", j, i, j)
			} else {
				fmt.Fprintf(&b, "x := %d\n", j)
			}
		}
		fsys[fmt.Sprintf("dir%d/file.go", i)] = &fstest.MapFile{Data: []byte(b.String())}
	}
	return fsys
}

// A sink is the output of a pipeline under test. It may fail after some bytes.
type sink struct {
	mu    sync.Mutex
	b     bytes.Buffer
	limit int // 0: none
}

func (s *sink) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && s.b.Len()+len(p) > s.limit {
		return 0, errFull
	}
	return s.b.Write(p)
}

func (s *sink) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// inBubble runs fn with a pipeline. Its writer takes a second for each write.
func inBubble(t *testing.T, fsys fs.FS, fn func(t *testing.T, ctx context.Context, p *pipeline, out, log *sink)) {
	t.Helper()
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) {
		out, log := &sink{}, &sink{}
		fn(t, ctx, newPipeline(fsys, out, log, options{workers: 3, delay: time.Second, every: 10 * time.Second}), out, log)
	})
}

// wantWritten fails the test unless every line that was read was written, and every remark
// among them is in the output.
func wantWritten(t *testing.T, p *pipeline, out *sink) {
	t.Helper()
	if r, w := p.read.Load(), p.written.Load(); r != w {
		t.Errorf("%d lines were accepted, and %d written", r, w)
	}
	rows, err := csv.NewReader(strings.NewReader(out.String())).ReadAll()
	if err != nil || int64(len(rows)) != p.marks.Load() {
		t.Errorf("the output has %d rows (%v), want %d", len(rows), err, p.marks.Load())
	}
}

func TestEndOfInput(t *testing.T) {
	inBubble(t, files(5, 1000), func(t *testing.T, ctx context.Context, p *pipeline, out, _ *sink) {
		if err := p.run(ctx); err != nil {
			t.Fatalf("run() = %v, want nil", err)
		}
		wantWritten(t, p, out)
		if got, want := p.summary(), "5000 lines read, 5000 written, 500 remarks among them"; got != want {
			t.Errorf("summary() = %q, want %q", got, want)
		}
		for i := range 5 {
			for j := 0; j < 1000; j += 10 {
				if row := fmt.Sprintf("dir%d/file.go,%d,TODO,\"x := %d // TODO %d, \"\"%d\"\"\"\n", i, j+1, j, i, j); strings.Count(out.String(), row) != 1 {
					t.Fatalf("row %q stands there %d times, want once", row, strings.Count(out.String(), row))
				}
			}
		}
	})
}

// After a failure of the reader, the other stages finish the lines that were read.
func TestReaderFails(t *testing.T) {
	inBubble(t, brokenFS{files(5, 1000), "dir3/file.go"}, func(t *testing.T, ctx context.Context, p *pipeline, out, _ *sink) {
		err := p.run(ctx)
		if !errors.Is(err, errFull) || !strings.Contains(err.Error(), `task "reader": dir3/file.go:`) {
			t.Errorf("run() = %v, want that dir3/file.go cannot be read", err)
		}
		if p.read.Load() < 3000 || p.read.Load() >= 4000 {
			t.Errorf("%d lines were read, want 3000 and some", p.read.Load())
		}
		wantWritten(t, p, out)
	})
}

// A brokenFS has a file that cannot be read to its end.
type brokenFS struct {
	fstest.MapFS
	broken string
}

func (b brokenFS) Open(name string) (fs.File, error) {
	f, err := b.MapFS.Open(name)
	if name == b.broken && err == nil {
		return brokenFile{f, io.LimitReader(f, 5000)}, nil
	}
	return f, err
}

type brokenFile struct {
	fs.File
	part io.Reader
}

func (b brokenFile) Read(p []byte) (int, error) {
	n, err := b.part.Read(p)
	if err == io.EOF {
		err = errFull
	}
	return n, err
}

// A worker that fails loses its line and no other, as long as there are other workers.
func TestWorkerFails(t *testing.T) {
	for name, fail := range map[string]func() (record, error){
		"error":  func() (record, error) { return record{}, errFull },
		"Goexit": func() (record, error) { runtime.Goexit(); return record{}, nil },
		"panic":  func() (record, error) { panic(errFull) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, files(5, 1000), func(t *testing.T, ctx context.Context, p *pipeline, out, _ *sink) {
				p.parse = func(l line) (record, error) {
					if l.file == "dir2/file.go" && l.number == 500 {
						return fail()
					}
					return parseLine(l)
				}
				if name == "error" {
					if err := p.run(ctx); !errors.Is(err, errFull) {
						t.Errorf("run() = %v, want the worker's failure", err)
					}
					if r, w := p.read.Load(), p.written.Load(); r != 5000 || w != 4999 || !strings.HasSuffix(p.summary(), "; 1 LOST") {
						t.Errorf("%s, want one line lost", p.summary())
					}
					return
				}
				// These failures end the pipeline, and leave nothing running.
				done := make(chan any)
				go func() {
					var recovered any
					defer func() { done <- recovered }()
					defer func() { recovered = recover() }()
					_ = p.run(ctx)
				}()
				if e, ok := (<-done).(*nursery.PanicError); ok != (name == "panic") {
					t.Errorf("run panicked with %v", e)
				}
			})
		})
	}
	t.Run("all", func(t *testing.T) {
		inBubble(t, files(5, 1000), func(t *testing.T, ctx context.Context, p *pipeline, _, _ *sink) {
			p.parse = func(l line) (record, error) {
				if l.number > 100 {
					return record{}, errFull
				}
				return parseLine(l)
			}
			if err := p.run(ctx); !errors.Is(err, errFull) {
				t.Errorf("run() = %v, want the workers' failures", err)
			}
			if r, w := p.read.Load(), p.written.Load(); w != 100 || r > w+3+lineBuffer {
				t.Errorf("%d lines read and %d written, want the reader to stop when all workers have stopped", r, w)
			}
		})
	})
}

// When the writer has failed, all stages stop, and the summary says how many lines were
// lost.
func TestWriterFails(t *testing.T) {
	inBubble(t, files(50, 1000), func(t *testing.T, ctx context.Context, p *pipeline, out, _ *sink) {
		out.limit = 20_000
		err := p.run(ctx)
		if !errors.Is(err, errFull) || err.Error() != `task "writer": disk full` {
			t.Errorf("run() = %v, want the writer's failure alone", err)
		}
		if r, w := p.read.Load(), p.written.Load(); w == 0 || r <= w || r > 10_000 || !strings.Contains(p.summary(), "LOST") {
			t.Errorf("%s, want that all stopped", p.summary())
		}
	})
}

// When it is asked to finish, it stops reading, and writes what it has read.
func TestStop(t *testing.T) {
	inBubble(t, files(50, 1000), func(t *testing.T, ctx context.Context, p *pipeline, out, _ *sink) {
		s := cancel.FromContext(ctx)
		time.AfterFunc(5*time.Second, func() { s.Shutdown(time.Hour) })
		if err := p.run(ctx); err != nil {
			t.Errorf("run() = %v, want nil", err)
		}
		if r := p.read.Load(); r < 1000 || r > 20_000 {
			t.Errorf("%d lines were read, want some", r)
		}
		wantWritten(t, p, out)
	})
}

func TestCancel(t *testing.T) {
	inBubble(t, files(50, 1000), func(t *testing.T, ctx context.Context, p *pipeline, _, _ *sink) {
		start := time.Now()
		err := cancel.FailAfter(ctx, 5500*time.Millisecond, p.run)
		if timeout := new(cancel.TimeoutError); !errors.As(err, &timeout) {
			t.Errorf("run() = %v, want the timeout", err)
		}
		if d := time.Since(start); d != 5500*time.Millisecond || p.written.Load() == 0 {
			t.Errorf("%s after %v, want some after 5.5s", p.summary(), d)
		}
	})
}

// Wherever the pipeline is canceled, it ends, says so, and its output has whole rows.
func TestCancelEverywhere(t *testing.T) {
	testutil.CancelEverywhere(t, func(t *testing.T, ctx context.Context) error {
		out, log := &sink{}, &sink{}
		p := newPipeline(files(2, 30), out, log, options{workers: 2, delay: time.Second, every: 10 * time.Second})
		err := p.run(ctx)
		if err == nil {
			wantWritten(t, p, out)
		}
		if _, err := csv.NewReader(strings.NewReader(out.String())).ReadAll(); err != nil {
			t.Errorf("the output is torn: %v", err)
		}
		return err
	}, testutil.Repeats(2))
}

// The stages before a slow writer wait, and nothing grows.
func TestBackPressure(t *testing.T) {
	inBubble(t, files(50, 1000), func(t *testing.T, ctx context.Context, p *pipeline, out, log *sink) {
		p.opts.every = 1500 * time.Millisecond // while the writer sleeps
		if err := p.run(ctx); err != nil {
			t.Fatalf("run() = %v, want nil", err)
		}
		wantWritten(t, p, out)
		const want = "reader waits > lines 64/64 > 0 of 3 workers wait for lines, 3 to send > records 1024/1024 > writer works; "
		if line, _, _ := strings.Cut(log.String(), "\n"); !strings.HasPrefix(line, want) {
			t.Errorf("at first it says\n%s, want\n%s", line, want)
		}
	})
}

func TestFlags(t *testing.T) {
	for _, args := range []string{
		"-workers 0", "-workers -1", "-workers 1001", "-workers 1e3", "-delay -1s", "-delay 2m", "-delay NaN",
		"-every 0", "-every 2h", "-every 1000000000h", "a b", "-nonsense",
	} {
		var said strings.Builder
		_, err := parseFlags(strings.Fields(args), &said)
		name, _, _ := strings.Cut(args, " ")
		if err == nil || strings.Count(said.String(), err.Error()) != 1 || !strings.Contains(err.Error(), strings.TrimPrefix(name, "a")) {
			t.Errorf("parseFlags(%q) = %v, and said\n%s, want an error that names the flag, once", args, err, &said)
		}
	}
	var usage bytes.Buffer
	if o, err := parseFlags([]string{"-workers", "2", "dir"}, &usage); err != nil || o.workers != 2 || o.folder != "dir" {
		t.Errorf("parseFlags() = %+v, %v", o, err)
	}
}

func TestRun(t *testing.T) {
	dir, out := t.TempDir(), &sink{}
	o := options{folder: dir, workers: 1, every: time.Hour, out: dir + "/out.csv"}
	if err := run(t.Context(), o, out, out); err != nil {
		t.Errorf("run() = %v, want nil", err)
	}
	if !strings.HasPrefix(out.String(), "0 lines read, 0 written") {
		t.Errorf("it says %q", out)
	}
	o.folder = dir + "/missing"
	if err := run(t.Context(), o, out, out); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("run() = %v, want that the folder is missing", err)
	}
}

func TestParseLine(t *testing.T) {
	for text, want := range map[string]string{
		"x := 1":                     "",
		"x := 1 // TODO: more":       "TODO",
		"\t// BUG(r): wrong":         "BUG",
		"// Deprecated: use y":       "Deprecated",
		"// the TODO is further on":  "",
		"s := \"\xff\" // not UTF-8": "not UTF-8",
	} {
		if r, err := parseLine(line{text: text}); r.mark != want || err != nil {
			t.Errorf("parseLine(%q) = %q, %v, want %q", text, r.mark, err, want)
		}
	}
}
