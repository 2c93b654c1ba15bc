package cancel

import (
	"context"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The keys that Inject sets.
const (
	keyBudget = "grove-budget" // what is left until the deadline, in milliseconds
	keyPath   = "grove-path"   // see Path; its elements are escaped as in a URL
	keyStop   = "grove-stop"   // "1" if a scope around was asked to stop
)

// maxPath is the largest number of bytes of a path that is passed on or taken.
const maxPath = 1024

// maxBudget is the largest budget that is taken: a year.
const maxBudget = 365 * 24 * time.Hour

// Inject passes on what another process needs to run in a scope that corresponds to ctx,
// by headers of a request, for example with
//
//	cancel.Inject(ctx, req.Header.Set)
//
// It calls set with the key grove-budget if ctx has a deadline, grove-path if a named
// scope encloses ctx, and grove-stop if a scope around ctx was asked to stop. The budget is
// the time that is left, so the clocks of the two processes need not agree. Keys are in
// lower case and values are printable ASCII, for HTTP and for gRPC. A path of more than
// 1024 bytes, escaped, is cut to that.
//
// A header cannot carry a cancellation that comes later. HTTP and gRPC tell the
// server that the client has gone away, without the cause.
//
// Inject panics if ctx or set is nil. [Extract] is its counterpart.
func Inject(ctx context.Context, set func(key, value string)) {
	mustContext("Inject", ctx)
	if set == nil {
		panic("cancel: Inject: nil function")
	}
	if deadline, ok := ctx.Deadline(); ok {
		left := max(0, time.Until(deadline)) // rounded down: the other side ends first
		set(keyBudget, strconv.FormatInt(left.Milliseconds(), 10))
	}
	if path := escapePath(Path(ctx)); path != "" {
		set(keyPath, path)
	}
	if stopper(ctx) != nil {
		set(keyStop, "1")
	}
}

// Extract returns a new scope below parent for a request from another process, which used
// [Inject], for example with
//
//	s := cancel.Extract(r.Context(), r.Header.Get, cancel.Name("orders"), cancel.Timeout(time.Minute))
//
// The caller closes the scope, or runs it, as with [New]. The options are those of New. The
// deadline is the earlier of the budget and of the option [Timeout] or [Deadline]: a peer
// can shorten the time of its request and not extend it. The name is the path of the peer and
// the option [Name], separated by a slash, so that [Path] begins in the other process. If
// the request came out of a scope that was asked to stop, the new scope is asked to stop.
//
// The function get returns the value for a key, or "". Extract ignores a value that Inject
// does not write: a budget that is not a number from 0 on, or a path with more than 1024
// bytes, or with a character that cannot be printed. A budget is at most a year.
//
// Extract panics if parent, get or an option is nil.
func Extract(parent context.Context, get func(key string) string, opts ...Option) *Scope {
	mustContext("Extract", parent)
	if get == nil {
		panic("cancel: Extract: nil function")
	}
	c := config{}.with("Extract", opts)
	if ms, err := strconv.ParseUint(get(keyBudget), 10, 63); err == nil {
		budget := after(time.Duration(min(ms, uint64(maxBudget/time.Millisecond))) * time.Millisecond)
		if !c.timed || c.deadline.deadline.IsZero() || budget.due.Before(c.deadline.due) {
			c.timed, c.deadline = true, budget
		}
	}
	if path := unescapePath(get(keyPath)); path != "" {
		c.name = strings.TrimSuffix(path+"/"+c.name, "/")
	}
	s := open(parent, c)
	if get(keyStop) == "1" {
		s.Stop()
	}
	return s
}

// escapePath returns a path in printable ASCII, with at most maxPath bytes.
func escapePath(path string) string {
	var b strings.Builder
	for _, r := range path {
		if !unicode.IsPrint(r) {
			r = utf8.RuneError
		}
		c := string(r)
		if r != '/' {
			c = url.PathEscape(c)
		}
		if b.Len()+len(c) > maxPath {
			break
		}
		b.WriteString(c)
	}
	return b.String()
}

// unescapePath returns the path that escapePath was given, or "" if it cannot be read.
func unescapePath(s string) string {
	path, err := url.PathUnescape(s)
	if err != nil || len(s) > maxPath || !utf8.ValidString(path) || strings.ContainsFunc(path, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return ""
	}
	return path
}
