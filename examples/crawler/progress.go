package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far the crawl is.
type progress struct {
	bar *progressbar.ProgressBar // nil: not shown
}

// newProgress returns a progress line on f, or none if f is not a terminal.
func newProgress(f *os.File, pages int) progress {
	if !term.IsTerminal(int(f.Fd())) {
		return progress{}
	}
	return drawProgress(f, pages)
}

// drawProgress returns a progress line on w.
func drawProgress(w io.Writer, pages int) progress {
	return progress{progressbar.NewOptions(pages,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription("crawling"),
		progressbar.OptionShowCount(),
		progressbar.OptionShowIts(),
		progressbar.OptionSetItsString("pages"),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionClearOnFinish(),
	)}
}

// add counts a page. An error in drawing the line is not a failure of the crawl.
func (p progress) add() {
	if p.bar != nil {
		_ = p.bar.Add(1)
	}
}

// done removes the line.
func (p progress) done() {
	if p.bar != nil {
		_ = p.bar.Clear()
	}
}
