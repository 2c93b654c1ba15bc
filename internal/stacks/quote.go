package stacks

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Quote returns a name, in quotes and escaped if it has quotes, or characters that a
// terminal might act on rather than show.
func Quote(name string) string {
	if !utf8.ValidString(name) || strings.ContainsFunc(name, func(r rune) bool { return r == '"' || Unprintable(r) }) {
		return strconv.Quote(name)
	}
	return name
}

// Unprintable reports whether a terminal may do something else with a character than show
// it.
func Unprintable(r rune) bool { return !unicode.IsPrint(r) }
