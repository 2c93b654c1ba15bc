package cancel_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
)

func TestSmoke(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := cancel.New(t.Context(), cancel.Name("a"), cancel.Timeout(time.Hour))
		std, stop := context.WithCancel(a)
		defer stop()
		b := cancel.New(std)
		std2, stop2 := context.WithTimeout(b, 3*time.Hour)
		defer stop2()
		c := cancel.New(context.WithValue(std2, "k", 1))
		c.Done()
		u := cancel.UntilStop(c)
		a.Stop()
		t.Log(a, c, cancel.Err(u))
		a.Cancel(errors.New("boom"))
		for _, x := range []context.Context{a, std, b, std2, c} {
			t.Log(x.Err(), context.Cause(x), cancel.Err(x))
		}
		err := cancel.FailAfter(t.Context(), time.Second, cancel.Forever)
		t.Log(err)
	})
}
