// Package bare lets the packages of this module wait for a cancel scope at less
// cost than by its Done method.
package bare

import "context"

// Done returns a channel that is closed when ctx is done, like ctx.Done. It is
// for a goroutine that waits for the channel and does not pass it on: package
// context does not recognize the channel as the Done channel of ctx. Package
// cancel sets Done when it is initialized.
var Done func(ctx context.Context) <-chan struct{}
