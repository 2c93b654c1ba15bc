package main

import (
	"fmt"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
)

// Limits of an answer about a faulty request.
const (
	maxFaults = 10 // faults in an answer
	maxText   = 80 // bytes of a text about a fault
)

// bounded shortens a problem. Package huma reports each fault of a request with the faulty
// value, and the value of an unknown property is the whole body. Without bounded a request
// of 9 KB had an answer of 9 MB.
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

// scalar returns a short value, the beginning of a long string, and nil for a composite
// value.
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
