package remote_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/nursery"
	"github.com/grove-go/grove/nursery/remote"
	"github.com/grove-go/grove/nursery/remote/remotetest"
)

// TestRandom makes calls with random timeouts, cancellations and retries, over a network with
// all its faults, while workers are killed, parted and stopped. The history must hold the
// rules, and each call must return only when its task has ended, or is told as unknown.
func TestRandom(t *testing.T) {
	for seed := range uint64(60) {
		testRandom(t, seed)
	}
	t.Log(tally)
}

// tally counts how calls ended.
var tally = make(map[string]int)

func testRandom(t *testing.T, seed uint64) {
	faults := remotetest.Faults{Seed: seed, Lose: 0.05, Repeat: 0.1, Delay: 30 * time.Millisecond, Hold: 2 * time.Second}
	inWorld(t, fmt.Sprint("R7/seed ", seed), faults, func(t *testing.T, ctx context.Context, w *world) error {
		rnd := rand.New(rand.NewPCG(seed, 2))
		return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
			w.trouble(n, rnd)
			return nursery.For(ctx, 40, func(ctx context.Context, i int) error {
				r := rand.New(rand.NewPCG(seed, uint64(i+100)))
				time.Sleep(time.Duration(r.IntN(20_000)) * time.Millisecond)
				return w.randomCall(ctx, fmt.Sprint("job", i), r)
			}, nursery.Limit(40))
		})
	})
}

// trouble starts workers, and kills, parts and stops them, until the calls are over.
func (w *world) trouble(n *nursery.Nursery, rnd *rand.Rand) {
	n.Go(func(ctx context.Context) error {
		for i := 0; ; i++ {
			name := fmt.Sprint("w", i)
			s := w.worker(name, remote.Slots(1+rnd.IntN(8)))
			if err := cancel.Sleep(ctx, time.Duration(500+rnd.IntN(3000))*time.Millisecond); err != nil {
				return err
			}
			switch rnd.IntN(8) {
			case 0:
				w.net.Kill(name)
				s.Cancel(nil)
			case 1:
				w.net.Part(name)
			case 2:
				w.net.CutFrom(name)
			case 3:
				w.net.CutTo(name)
			case 4:
				s.Stop()
			case 5:
				s.Shutdown(time.Duration(rnd.IntN(3000)) * time.Millisecond)
			case 6:
				w.net.Forget()
			case 7:
				w.net.Part("caller")
			}
			if err := cancel.Sleep(ctx, time.Duration(rnd.IntN(6000))*time.Millisecond); err != nil {
				return err
			}
			w.net.Heal()
		}
	}, nursery.Daemon())
}

// randomCall makes a call and checks its end.
func (w *world) randomCall(ctx context.Context, name string, r *rand.Rand) error {
	j := job{Name: name, Takes: time.Duration(r.IntN(8000)) * time.Millisecond}
	if r.IntN(4) == 0 {
		j.Err = "boom"
	}
	retries := r.IntN(3)
	s := cancel.New(ctx, cancel.Name(name))
	var opts []remote.CallOption
	if retries > 0 {
		opts = append(opts, remote.Retry(retries))
	}
	end := ""
	err := s.Run(func(ctx context.Context) error {
		switch r.IntN(4) {
		case 0:
			s.SetTimeout(time.Duration(r.IntN(10_000)) * time.Millisecond)
		case 1:
			timer := time.AfterFunc(time.Duration(r.IntN(10_000))*time.Millisecond, func() { s.Cancel(errors.New("enough")) })
			defer timer.Stop()
		}
		_, err := run.Call(ctx, w.client, j, opts...)
		end = w.judge(name, s, err, j)
		return err
	})
	if err != nil && end == "canceled" {
		w.t.Errorf("R5: %s: the scope does not absorb %v", name, err)
	}
	w.mu.Lock()
	tally[end]++
	w.mu.Unlock()
	return nil
}

// judge returns the kind of the end of a call that has just returned.
func (w *world) judge(name string, s *cancel.Scope, err error, j job) string {
	stints := w.of(name)
	var last stint
	if len(stints) > 0 {
		last = stints[len(stints)-1]
	}
	unknown := errors.Is(err, remote.ErrLost)
	if len(stints) > 0 && last.end == 0 && !unknown {
		w.t.Errorf("R1: Call(%s) returned %v, but attempt %d runs", name, err, last.info.Attempt)
	}
	foreign, _ := errors.AsType[*remote.Error](err)
	switch {
	case err == nil, foreign != nil && foreign.Message == "boom":
		if last.end == 0 || (err == nil) != (j.Err == "") {
			w.t.Errorf("R8: Call(%s) = %v, but the task did not end so: %+v", name, err, last)
		}
		return "done"
	case unknown:
		return "unknown"
	case errors.Is(err, remote.ErrAborted):
		return "aborted"
	case s.IsEcho(err):
		return "canceled"
	}
	w.t.Errorf("R17: Call(%s) = %v", name, err)
	return "other"
}
