package web

import (
	"slices"

	"github.com/grove-go/grove/nursery/debug"
)

// An Option configures a [Handler]. See [Redact] and [Take].
type Option interface{ apply(c *config) }

type option func(c *config)

func (o option) apply(c *config) { o(c) }

type config struct {
	redact func(string) string // or nil
	take   []debug.TakeOption
}

// Redact has f replace each name, label, cancellation reason, failure and warning before it
// leaves the program. A reason and a warning contain names and texts of errors, so f must
// search its argument. The default is to replace nothing. If Redact is repeated, each
// function gets the result of the function before it.
//
// f does not get the names of functions, files and the program, or the variable of package
// expvar. The calls of f are not concurrent, unless one blocks for 5 seconds. Redact panics
// if f is nil.
func Redact(f func(string) string) Option {
	if f == nil {
		panic("web: Redact: nil function")
	}
	return option(func(c *config) {
		if before := c.redact; before != nil {
			c.redact = func(text string) string { return f(before(text)) }
		} else {
			c.redact = f
		}
	})
}

// Take adds options of [debug.Take], such as [debug.WithThresholds]. The parameters of a
// request add [debug.NoStacks] and [debug.Unfolded] to them. Take panics if an option is nil.
func Take(opts ...debug.TakeOption) Option {
	if slices.Contains(opts, nil) {
		panic("web: Take: nil option")
	}
	opts = slices.Clone(opts)
	return option(func(c *config) { c.take = append(c.take, opts...) })
}
