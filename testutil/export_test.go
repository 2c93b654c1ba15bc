package testutil

import (
	"time"

	"github.com/grove-go/grove/internal/stacks"
)

// SetPatience changes how long a function may keep running after it did not return in
// time.
func SetPatience(d time.Duration) { patience = d }

// Outline returns what is the same in the stacks of two looks at goroutines that wait.
func Outline(text string) string { return outline(stacks.Parse(text)) }

// WatchStuck calls tell when no goroutine has run for the time d.
var WatchStuck = watchStuck

// LeakedOnly returns the part of a leak profile that is reported.
func LeakedOnly(profile string) string { return unexpected(profile, leaked) }
