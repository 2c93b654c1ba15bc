//go:build !explore

package point

import "sync"

// A Mutex is a sync.Mutex. With the tag, a goroutine may hold it while it is at a point.
type Mutex = sync.Mutex

// A Cond is a sync.Cond. With the tag a goroutine that has been woken is at a point before
// it locks L.
type Cond = sync.Cond

// Here is a point. With the tag it calls the hook.
func Here(string) {}

// Hook sets what points call. Without the tag none does.
func Hook(func(name string)) {}
