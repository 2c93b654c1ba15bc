package testutil

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/grove-go/grove/internal/stacks"
)

// A point is a moment at which CancelEverywhere cancels. The fields that are set
// determine its kind.
type point struct {
	// The n-th call of the context's method look from that site, counting from 1.
	site site
	look string // Done or Err
	n    int

	after  time.Duration // this long after the start, when everything is idle
	yields int           // after another goroutine has yielded this many times
}

// A site is the call stack of a call to a context's method, cut off at a depth where
// little is left to distinguish.
type site [24]uintptr

// String names the code that called the context's method. It skips package context and
// the scopes, which call it on behalf of other code.
func (p point) String() string {
	switch {
	case p.after > 0:
		return fmt.Sprintf("idle after %v", p.after)
	case p.yields > 0:
		return fmt.Sprintf("while running, after %d yields", p.yields)
	}
	frames := runtime.CallersFrames(p.site[:max(0, slices.Index(p.site[:], 0))])
	for {
		f, more := frames.Next()
		if !more || !strings.HasPrefix(f.Function, "context.") && !strings.HasPrefix(f.Function, "github.com/grove-go/grove/cancel.") {
			return fmt.Sprintf("%s at %s:%d, call %d", p.look, filepath.Base(f.File), f.Line, p.n)
		}
	}
}

// A probe is a context that records the calls of its methods, and cancels itself at the
// n-th call from a certain site.
type probe struct {
	context.Context
	cancel func()
	target point

	mu       sync.Mutex // guards the fields below
	looks    map[site]int
	seen     []point // calls up to the cancellation
	over     bool    // recording has ended
	injected string  // the stack at the cancellation
}

// Done implements [context.Context].
func (p *probe) Done() <-chan struct{} {
	p.note("Done")
	return p.Context.Done()
}

// Err implements [context.Context].
func (p *probe) Err() error {
	p.note("Err")
	return p.Context.Err()
}

// note records a call of the method. It cancels the context first if the call is the
// target.
func (p *probe) note(method string) {
	var s site
	runtime.Callers(3, s[:len(s)-1])
	p.mu.Lock()
	if p.over {
		p.mu.Unlock()
		return
	}
	p.looks[s]++
	at := point{site: s, look: method, n: p.looks[s]}
	p.seen = append(p.seen, at)
	p.mu.Unlock()
	if at == p.target {
		p.inject()
	}
}

// inject cancels the context. The cancellation is not recorded if the function has
// returned.
func (p *probe) inject() {
	p.mu.Lock()
	over := p.over
	p.over = true
	if !over {
		p.injected = stacks.Own()
	}
	p.mu.Unlock()
	p.cancel() // without the lock, because it runs foreign code
}

// finish ends the recording when the function has returned, and returns the calls
// recorded.
func (p *probe) finish() []point {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	return p.seen
}

// canceled returns the stack at the cancellation, or "" if the context was not canceled.
func (p *probe) canceled() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.injected
}
