package cancel_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestContextAfterFunc(t *testing.T) {
	t.Run("C4/Cancel calls the function of OnDone once, before it returns", func(t *testing.T) {
		s := cancel.New(t.Context())
		n := 0
		stop := s.OnDone(func() { n++ })
		s.Cancel(nil)
		s.Cancel(nil)
		s.Close()
		if n != 1 {
			t.Errorf("function called %d times, want 1", n)
		}
		if stop() {
			t.Error("stop() = true, want false")
		}
	})
	t.Run("C4/a deadline calls the functions of OnDone and AfterFunc", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := cancel.New(t.Context(), cancel.Timeout(time.Second))
			start := time.Now()
			called := make(chan time.Duration, 2)
			context.AfterFunc(s, func() { called <- time.Since(start) })
			s.OnDone(func() { called <- time.Since(start) })
			for range 2 {
				if d := <-called; d != time.Second {
					t.Errorf("function called after %v, want %v", d, time.Second)
				}
			}
		})
	})
	t.Run("C4/a function registered after the end runs in a goroutine", func(t *testing.T) {
		s := cancel.New(t.Context())
		s.Cancel(nil)
		called := make(chan bool)
		stop := s.OnDone(func() { called <- true })
		if stop() {
			t.Error("stop() = true, want false")
		}
		<-called
		context.AfterFunc(s, func() { called <- true })
		<-called
	})
	t.Run("C4/stop removes the function", func(t *testing.T) {
		s := cancel.New(t.Context())
		var stops []func() bool
		var calls []int
		for i := range 5 {
			stops = append(stops, s.OnDone(func() { calls = append(calls, i) }))
		}
		for _, i := range []int{4, 0, 2} { // the ends of the list and its middle
			if !stops[i]() {
				t.Error("stop() = false, want true")
			}
			if stops[i]() {
				t.Error("stop() = true the second time, want false")
			}
		}
		s.Cancel(nil)
		if len(calls) != 2 || calls[0]+calls[1] != 4 {
			t.Errorf("functions called = %v, want 1 and 3", calls)
		}
	})
	t.Run("C4/a function of AfterFunc that blocks does not delay Cancel", func(t *testing.T) {
		s := cancel.New(t.Context())
		c := make(chan bool)
		context.AfterFunc(s, func() { c <- true })
		s.Cancel(nil)
		<-c
	})
	t.Run("C7/a shield keeps an outer cancellation from calling the function", func(t *testing.T) {
		p := cancel.New(t.Context())
		s := cancel.New(p, cancel.Shielded())
		n := 0
		s.OnDone(func() { n++ })
		p.Cancel(nil)
		if n != 0 {
			t.Errorf("function called %d times behind the shield, want 0", n)
		}
		s.SetShield(false)
		if n != 1 {
			t.Errorf("function called %d times after SetShield(false), want 1", n)
		}
	})
}
