package main

import (
	"fmt"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// How much a client gets to read of its own mistakes.
const (
	maxFaults = 10 // of a request
	maxText   = 80 // bytes of what is said of each
)

// bounded shortens a problem. Package huma tells of each fault of a request with the value
// that has it, and a property too many has the whole body for its value: the answer to a
// request of 9 KB had 9 MB.
func bounded(_ huma.Context, _ string, v any) (any, error) {
	problem, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	short := *problem
	short.Detail = shorten(problem.Detail)
	if n := len(problem.Errors); n > maxFaults {
		short.Detail += fmt.Sprintf("; here are %d of %d faults", maxFaults, n)
	}
	short.Errors = nil
	for _, e := range problem.Errors[:min(len(problem.Errors), maxFaults)] {
		short.Errors = append(short.Errors, &huma.ErrorDetail{
			Message: shorten(e.Message), Location: shorten(e.Location), Value: scalar(e.Value),
		})
	}
	return &short, nil
}

// scalar returns the value if it is short, the beginning of a long string, and nil for
// what has values in it.
func scalar(v any) any {
	switch v := v.(type) {
	case string:
		return shorten(v)
	case bool, int, int64, float64:
		return v
	}
	return nil
}

// shorten returns the beginning of a long text.
func shorten(s string) string {
	if len(s) <= maxText {
		return s
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}
