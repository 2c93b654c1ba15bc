package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// visible returns s in a form that is safe for a terminal. It escapes the characters that
// are not printable, as in a string of Go: control characters of C0 and C1, characters that
// turn the direction of text or end a line, and others. It also escapes bytes that are not
// UTF-8.
func visible(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch _, size := utf8.DecodeRuneInString(s[i:]); {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
	}
	return b.String()
}

// A visibleError has the message of an error in a form that is safe for a terminal.
type visibleError struct{ err error }

func (e visibleError) Error() string { return visible(e.err.Error()) }
func (e visibleError) Unwrap() error { return e.err }
