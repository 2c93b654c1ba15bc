package cancel_test

import (
	"context"
	"testing"

	"github.com/grove-go/grove/cancel"
)

func BenchmarkOpenClose(b *testing.B) {
	stdParent, stop := context.WithCancel(b.Context())
	defer stop()
	parents := []struct {
		name string
		ctx  func() context.Context
	}{
		{"background", context.Background},
		{"std", func() context.Context { return stdParent }},
		{"scope", func() context.Context { return cancel.New(context.Background()) }},
	}
	for _, p := range parents {
		for _, done := range []string{"", "+Done"} {
			b.Run("parent="+p.name+done+"/impl=grove", func(b *testing.B) {
				ctx := p.ctx()
				b.ReportAllocs()
				for b.Loop() {
					s := cancel.New(ctx)
					if done != "" {
						s.Done()
					}
					s.Close()
				}
			})
			b.Run("parent="+p.name+done+"/impl=std", func(b *testing.B) {
				ctx := p.ctx()
				b.ReportAllocs()
				for b.Loop() {
					c, stop := context.WithCancelCause(ctx)
					if done != "" {
						c.Done()
					}
					stop(nil)
				}
			})
		}
	}
}
