package cancel_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

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

// BenchmarkTimeout sets a timeout for a function that returns at once.
func BenchmarkTimeout(b *testing.B) {
	block := func(context.Context) error { return nil }
	b.Run("impl=grove", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := cancel.FailAfter(b.Context(), time.Minute, block); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("impl=std", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			ctx, stop := context.WithTimeout(b.Context(), time.Minute)
			if err := block(ctx); err != nil {
				b.Fatal(err)
			}
			stop()
		}
	})
}

// BenchmarkIdleTimeout moves a deadline to a later time, as an idle timeout does for
// each message. The standard library needs a new context each time.
func BenchmarkIdleTimeout(b *testing.B) {
	b.Run("impl=grove", func(b *testing.B) {
		b.ReportAllocs()
		s := cancel.New(b.Context())
		defer s.Close()
		for b.Loop() {
			s.SetTimeout(time.Minute)
		}
	})
	b.Run("impl=std", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			_, stop := context.WithTimeout(b.Context(), time.Minute)
			stop()
		}
	})
}

// BenchmarkErr calls Err of an open context at depth five.
func BenchmarkErr(b *testing.B) {
	const depth = 5
	b.Run("impl=grove", func(b *testing.B) {
		ctx := b.Context()
		for range depth {
			s := cancel.New(ctx)
			defer s.Close()
			ctx = s
		}
		ctx.Done()
		for b.Loop() {
			if ctx.Err() != nil {
				b.Fatal(ctx.Err())
			}
		}
	})
	b.Run("impl=std", func(b *testing.B) {
		ctx := b.Context()
		for range depth {
			c, stop := context.WithCancel(ctx)
			defer stop()
			ctx = c
		}
		ctx.Done()
		for b.Loop() {
			if ctx.Err() != nil {
				b.Fatal(ctx.Err())
			}
		}
	})
}

// BenchmarkIsEcho calls IsEcho with the errors that canceled tasks return most often,
// and with a real error.
func BenchmarkIsEcho(b *testing.B) {
	s := cancel.New(b.Context())
	defer s.Close()
	s.Cancel(nil)
	five := s.Err()
	for range 5 {
		five = fmt.Errorf("x: %w", five)
	}
	for _, bb := range []struct {
		name string
		err  error
		want bool
	}{
		{"ctx.Err", s.Err(), true},
		{"cancel.Err", cancel.Err(s), true},
		{"one wrapper", fmt.Errorf("x: %w", s.Err()), true},
		{"five wrappers", five, true},
		{"Join", errors.Join(s.Err(), context.Cause(s)), true},
		{"another error", errors.New("boom"), false},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if s.IsEcho(bb.err) != bb.want {
					b.Fatalf("IsEcho(%v) = %v, want %v", bb.err, !bb.want, bb.want)
				}
			}
		})
	}
}
