package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"sync/atomic"
	"unicode/utf8"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

const (
	lineBuffer   = 64   // lines between the reader and the workers
	recordBuffer = 1024 // records between the workers and the writer
	batch        = 1024 // records that are written at a time, at most
)

// A line is a line of a file.
type line struct {
	file   string
	number int
	text   string
}

// A record is a parsed line. Each line becomes a record.
type record struct {
	line
	mark string // the kind of remark in it, or ""
}

// A pipeline reads lines, parses them, and writes records.
type pipeline struct {
	fsys  fs.FS
	out   io.Writer
	log   io.Writer
	opts  options
	parse func(line) (record, error)

	read, written, marks atomic.Int64 // lines read, lines written or without a remark, remarks written
}

func newPipeline(fsys fs.FS, out, log io.Writer, o options) *pipeline {
	return &pipeline{fsys: fsys, out: out, log: log, opts: o, parse: parseLine}
}

// run runs the stages. With KeepGoing the failure of a stage does not cancel the others.
// The stages after it see the end of their channel and finish. The stages before it find
// their channel broken and stop.
func (p *pipeline) run(ctx context.Context) error {
	return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
		lines, toParse := channel.New[line](lineBuffer)
		records, toWrite := channel.New[record](recordBuffer)
		n.Go(func(ctx context.Context) error { return p.reads(ctx, lines) }, nursery.Name("reader"))
		for i := range p.opts.workers {
			from, to := toParse.Clone(), records.Clone()
			n.Go(func(ctx context.Context) error { return p.parses(ctx, from, to) }, nursery.Name("worker "+strconv.Itoa(i+1)))
		}
		n.Go(func(ctx context.Context) error { return p.writes(ctx, toWrite) }, nursery.Name("writer"))
		n.Go(func(ctx context.Context) error { return p.watches(ctx, lines, records) }, nursery.Daemon())
		// Each task has its own handles and closes them.
		return errors.Join(toParse.Close(), records.Close())
	}, nursery.Name("pipeline"), nursery.KeepGoing())
}

// reads sends the lines of all files, until it is asked to stop.
func (p *pipeline) reads(ctx context.Context, to *channel.Sender[line]) error {
	defer to.Close()
	stop := cancel.UntilStop(ctx)
	err := goFiles(p.fsys, func(name string) error {
		f, err := p.fsys.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		r := bufio.NewReader(f)
		for number := 1; ; number++ {
			if stop.Err() != nil {
				return stop.Err()
			}
			text, err := r.ReadString('\n')
			if text != "" {
				if err := to.Send(ctx, line{name, number, strings.TrimSuffix(text, "\n")}); err != nil {
					return err
				}
				p.read.Add(1)
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s:%d: %w", name, number, err)
			}
		}
	})
	if err == stop.Err() { // even if both are nil
		return cancel.Err(ctx) // nil if only asked to stop
	}
	return unlessBroken(err)
}

// parses makes a record of each line.
func (p *pipeline) parses(ctx context.Context, from *channel.Receiver[line], to *channel.Sender[record]) error {
	defer from.Close()
	defer to.Close()
	for l, err := range from.All(ctx) {
		if err != nil {
			return err
		}
		r, err := p.parse(l)
		if err != nil {
			return fmt.Errorf("%s:%d: %w", l.file, l.number, err)
		}
		if err := to.Send(ctx, r); err != nil {
			return unlessBroken(err)
		}
	}
	return nil
}

// unlessBroken returns err, or nil if err is [channel.ErrBroken], because the stage that
// closed the channel reports why.
func unlessBroken(err error) error {
	if err == channel.ErrBroken {
		return nil
	}
	return err
}

// writes writes the remarks, a batch at a time.
func (p *pipeline) writes(ctx context.Context, from *channel.Receiver[record]) error {
	defer from.Close()
	w := csv.NewWriter(p.out)
	buf := make([]record, batch)
	for {
		n, err := from.ReceiveBatch(ctx, buf)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		for _, r := range buf[:n] {
			if r.mark == "" {
				continue
			}
			p.marks.Add(1)
			if err := w.Write([]string{r.file, strconv.Itoa(r.number), r.mark, strings.TrimSpace(r.text)}); err != nil {
				return err
			}
		}
		if w.Flush(); w.Error() != nil {
			return w.Error()
		}
		p.written.Add(int64(n))
		if p.opts.delay > 0 {
			if err := cancel.Sleep(ctx, p.opts.delay); err != nil {
				return err
			}
		}
	}
}

// watches prints from time to time how full the channels are and which stages wait.
func (p *pipeline) watches(ctx context.Context, lines *channel.Sender[line], records *channel.Sender[record]) error {
	for {
		if err := cancel.Sleep(ctx, p.opts.every); err != nil {
			return err
		}
		a, b := lines.Stats(), records.Stats()
		if _, err := fmt.Fprintf(p.log, "reader %s > lines %2d/%d > %d of %d workers wait for lines, %d to send > records %4d/%d > writer %s; %d written\n",
			waits(a.BlockedSenders), a.Len, a.Cap, a.BlockedReceivers, p.opts.workers, b.BlockedSenders, b.Len, b.Cap, waits(b.BlockedReceivers), p.written.Load()); err != nil {
			return err
		}
	}
}

func waits(blocked int) string {
	if blocked > 0 {
		return "waits"
	}
	return "works"
}

// summary says how many lines were read, written and lost.
func (p *pipeline) summary() string {
	s := fmt.Sprintf("%d lines read, %d written, %d remarks among them", p.read.Load(), p.written.Load(), p.marks.Load())
	if lost := p.read.Load() - p.written.Load(); lost > 0 {
		s += fmt.Sprintf("; %d LOST", lost)
	}
	return s
}

// marks are the remarks to look for.
var marks = []string{"TODO", "FIXME", "BUG", "XXX", "HACK", "Deprecated:"}

// parseLine makes a record of a line.
func parseLine(l line) (record, error) {
	r := record{line: l}
	if !utf8.ValidString(l.text) {
		r.mark = "not UTF-8"
		return r, nil
	}
	_, comment, found := strings.Cut(l.text, "//")
	if !found {
		return r, nil
	}
	for _, m := range marks {
		if strings.HasPrefix(strings.TrimSpace(comment), m) {
			r.mark = strings.TrimSuffix(m, ":")
			break
		}
	}
	return r, nil
}
