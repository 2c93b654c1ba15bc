package live

import (
	"context"
	"time"
)

// DescribeNursery describes a *nursery.Nursery. It takes the locks of this nursery and
// of its limiter, one at a time, and calls no function of another package under them. Package nursery sets
// DescribeNursery when it is initialized.
var DescribeNursery func(self any) NurseryInfo

// A NurseryInfo describes a nursery at one moment.
type NurseryInfo struct {
	Name      string
	Options   []string
	Running   int // see nursery.Stats
	Queued    int
	Finished  int
	Failed    int
	Failures  []error // the first, of those recorded so far
	Panicking bool    // a panic waits for the other tasks
	Limit     int     // of the option Limit, or 0
	Unlimited bool    // there is no Limit, nor LimitBy
	BodyDone  bool    // the body has returned
	Members   int     // goroutines in the nursery but daemons
	Scope     context.Context
}

// DescribeScope describes a *cancel.Scope, and DescribeScopes that scope and the scopes below
// it, up to a number of them. DescribeScopes leaves out the scopes for which skip
// returns true, with what is below them. They take the locks of one scope at a time, and call no function of
// another package under them. They do not ask contexts above, so a scope that has not
// heard of its end counts as open. Package cancel sets them when it is initialized.
var (
	DescribeScope  func(scope context.Context) ScopeInfo
	DescribeScopes func(scope context.Context, limit int, skip func(addr uintptr) bool) []ScopeInfo
)

// A ScopeInfo describes a scope at one moment.
type ScopeInfo struct {
	Addr        uintptr
	Name        string
	Deadline    time.Time // the effective one, or the zero Time
	OwnDeadline time.Time // of the scope itself, or the zero Time
	Shielded    bool
	Stopping    bool
	GraceDue    time.Time // when Shutdown will cancel the scope, or the zero Time
	Canceled    *Canceled // or nil if the scope is open
}

// A Canceled says how a scope ended.
type Canceled struct {
	At     int64  // as from Now; 0 if the scope was closed
	Err    error  // as from the scope's method Err
	Reason string // in words
	Closed bool   // by Close, so the scope is over and was not canceled
}
