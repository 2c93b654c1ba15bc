package testutil

import "time"

// SetPatience changes for how long a function may run on that did not return in time.
func SetPatience(d time.Duration) { patience = d }

// BubbleOf returns the number of the bubble in the header of a goroutine, or "".
var BubbleOf = bubbleOf

// LeakedOnly returns what is reported of a leak profile.
func LeakedOnly(profile string) string { return unexpected(profile, leaked) }

// Row returns what the table of a deadlock has about a goroutine with this stack, if the
// standard library is in this folder.
func Row(stack, folder string) string {
	defer func(was string) { standard = was }(standard)
	standard = folder
	g := parse(stack)
	return g.id + "|" + g.waits + "|" + g.function + "|" + g.place + "|" + g.creator
}
