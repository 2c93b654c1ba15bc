package testutil

import "time"

// SetPatience changes for how long a function may run on that did not return in time.
func SetPatience(d time.Duration) { patience = d }

// Row returns what the table of a deadlock has about a goroutine with this stack, if the
// standard library is in this folder.
func Row(stack, folder string) string {
	defer func(was string) { standard = was }(standard)
	standard = folder
	g := parse(stack)
	return g.id + "|" + g.waits + "|" + g.function + "|" + g.place + "|" + g.creator
}
