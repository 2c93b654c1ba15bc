package debug

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/grove-go/grove/cancel"
)

// Watch takes a snapshot at intervals and logs each warning once when it comes, with the
// level [slog.LevelWarn], and once when it goes, with the level [slog.LevelInfo]. The
// registry is on while Watch runs; see [Enable]. Watch is made to be a task:
//
//	n.Go(func(ctx context.Context) error {
//		return debug.Watch(ctx, log, 10*time.Millisecond)
//	}, nursery.Daemon())
//
// Watch returns the [*cancel.Error] of ctx when ctx is done. The options are the same as for
// [Take]. Watch panics if ctx, log or an option is nil, or if every is not positive.
func Watch(ctx context.Context, log *slog.Logger, every time.Duration, opts ...TakeOption) error {
	switch {
	case ctx == nil:
		panic("debug: Watch: nil context")
	case log == nil:
		panic("debug: Watch: nil logger")
	case every <= 0:
		panic(fmt.Sprintf("debug: Watch: every must be positive, got %v", every))
	}
	defer Enable()()
	type key struct{ code, node, about string }
	before := make(map[key]Warning)
	for {
		if err := cancel.Sleep(ctx, every); err != nil {
			return err
		}
		now := make(map[key]Warning)
		for _, w := range Take(opts...).Warnings {
			k := key{w.Code, w.Node, w.about}
			now[k] = w
			if _, known := before[k]; !known {
				log.LogAttrs(ctx, slog.LevelWarn, w.Text, attrs(w)...)
			}
		}
		for k, w := range before {
			if _, still := now[k]; !still {
				log.LogAttrs(ctx, slog.LevelInfo, "no longer: "+w.Text, attrs(w)...)
			}
		}
		before = now
	}
}

// attrs returns the attributes of a warning.
func attrs(w Warning) []slog.Attr {
	attrs := []slog.Attr{slog.String("warning", w.Code), slog.String("name", w.Name), slog.String("node", w.Node)}
	if w.At != nil {
		attrs = append(attrs, slog.String("at", at("", w.At)), slog.String("function", w.At.Function))
	}
	return attrs
}
