//go:build !explore

package point

import "sync"

// A Mutex is a sync.Mutex. With the tag it is one that a goroutine may hold while it
// is at a point.
type Mutex = sync.Mutex

// Here is a point. With the tag it calls the hook.
func Here(string) {}

// Hook sets what points call. Without the tag none does.
func Hook(func(name string)) {}
