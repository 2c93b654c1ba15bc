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
)

// A point is a time at which CancelEverywhere cancels. Which of the fields are set says
// of which kind it is.
type point struct {
	// When the context is looked at for the n-th time, from 1 on, from that site.
	site site
	look string // the method that is called
	n    int

	after  time.Duration // when everything is at rest at that time
	yields int           // when a goroutine has yielded so many times
}

// A site is a place from which a context is looked at: a call stack, up to a depth
// at which little is left to tell apart.
type site [24]uintptr

// String names the place in the code that a look comes from, without package context
// and the scopes, which look on behalf of others.
func (p point) String() string {
	switch {
	case p.after > 0:
		return fmt.Sprintf("at rest after %v", p.after)
	case p.yields > 0:
		return fmt.Sprintf("while it runs, after %d yields", p.yields)
	}
	frames := runtime.CallersFrames(p.site[:max(0, slices.Index(p.site[:], 0))])
	for {
		f, more := frames.Next()
		if !more || !strings.HasPrefix(f.Function, "context.") && !strings.HasPrefix(f.Function, "github.com/grove-go/grove/cancel.") {
			return fmt.Sprintf("%s at %s:%d, time %d", p.look, filepath.Base(f.File), f.Line, p.n)
		}
	}
}

// A probe is a context that notes who looks at it, and is canceled when it is looked
// at for the n-th time from a certain site.
type probe struct {
	context.Context
	cancel func()
	target point

	mu       sync.Mutex // guards the fields below
	looks    map[site]int
	seen     []point // up to the cancellation
	over     bool    // nothing more is noted
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

// note notes a call of the method, and cancels first if it is the one.
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

// inject cancels the context. It does not count if the function has returned.
func (p *probe) inject() {
	p.mu.Lock()
	over := p.over
	p.over = true
	if !over {
		p.injected = ownStack()
	}
	p.mu.Unlock()
	p.cancel() // runs the code of others
}

// finish is called when the function has returned: nothing is noted any more. It
// returns what was noted.
func (p *probe) finish() []point {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.over = true
	return p.seen
}

// canceled returns the stack at the cancellation, or "" if there was none.
func (p *probe) canceled() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.injected
}
