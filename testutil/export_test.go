package testutil

import "time"

// SetPatience changes for how long a function may run on that did not return in time.
func SetPatience(d time.Duration) { patience = d }
