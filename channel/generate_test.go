package channel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/grove-go/grove/cancel"
	"github.com/grove-go/grove/channel"
	"github.com/grove-go/grove/nursery"
)

// counting yields 0, 1, 2 and so on, up to n, or without end if n is negative.
func counting(n int) func(ctx context.Context, yield func(int) error) error {
	return func(_ context.Context, yield func(int) error) error {
		for i := 0; n < 0 || i < n; i++ {
			if err := yield(i); err != nil {
				return err
			}
		}
		return nil
	}
}

func TestGenerate(t *testing.T) {
	for _, capacity := range []int{0, 1, 10} {
		bubble(t, fmt.Sprintf("CH9/all values, then the end, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			var got []int
			err := channel.Generate(ctx, capacity, counting(5), func(ctx context.Context, r *channel.Receiver[int]) error {
				for v, err := range r.All(ctx) {
					if err != nil {
						return err
					}
					got = append(got, v)
				}
				return nil
			})
			if want := []int{0, 1, 2, 3, 4}; err != nil || !slices.Equal(got, want) {
				t.Errorf("Generate() = %v, received %v, want nil, %v", err, got, want)
			}
		})
		bubble(t, fmt.Sprintf("CH9/leaving early cancels and joins the producer, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			start := time.Now()
			ended := false
			err := channel.Generate(ctx, capacity, func(ctx context.Context, yield func(int) error) error {
				defer func() { ended = true }()
				err := counting(-1)(ctx, yield)
				_ = cancel.Shield(ctx, time.Minute, func(ctx context.Context) error { return cancel.Sleep(ctx, time.Second) })
				return fmt.Errorf("counting: %w", err)
			}, func(ctx context.Context, r *channel.Receiver[int]) error {
				for v, err := range r.All(ctx) {
					if v == 3 {
						return err
					}
				}
				return nil
			})
			if d := time.Since(start); err != nil || !ended || d != time.Second {
				t.Errorf("Generate() = %v after %v, ended %v, want nil after 1s", err, d, ended)
			}
		})
	}
	bubble(t, "CH9/with capacity 0 the producer runs when a receiver waits", func(t *testing.T, ctx context.Context) {
		at := -1
		err := channel.Generate(ctx, 0, func(ctx context.Context, yield func(int) error) error {
			for i := range 4 {
				at = i
				if err := yield(i); err != nil {
					return err
				}
			}
			at = 4
			return nil
		}, func(ctx context.Context, r *channel.Receiver[int]) error {
			for i := range 4 {
				synctest.Wait()
				if at != i-1 {
					t.Errorf("the producer is at %d before value %d was requested", at, i)
				}
				if v, err := r.Receive(ctx); v != i || err != nil {
					t.Errorf("Receive() = %d, %v, want %d, nil", v, err, i)
				}
			}
			_, err := r.Receive(ctx)
			wantErr(t, "Receive()", err, io.EOF)
			return nil
		})
		if err != nil || at != 4 {
			t.Errorf("Generate() = %v, the producer is at %d, want nil, 4", err, at)
		}
	})
	bubble(t, "CH9/with a capacity the producer runs ahead by that many values", func(t *testing.T, ctx context.Context) {
		at := -1
		err := channel.Generate(ctx, 3, func(ctx context.Context, yield func(int) error) error {
			for i := 0; ; i++ {
				at = i
				if err := yield(i); err != nil {
					return err
				}
			}
		}, func(ctx context.Context, r *channel.Receiver[int]) error {
			synctest.Wait()
			if at != 3 {
				t.Errorf("the producer is at %d, want 3", at)
			}
			return nil
		})
		wantErr(t, "Generate()", err, nil)
	})
	bubble(t, "CH9/a producer without a receive never runs", func(t *testing.T, ctx context.Context) {
		ran := false
		produce := func(context.Context, func(int) error) error { ran = true; return nil }
		wantErr(t, "Generate()", channel.Generate(ctx, 0, produce, func(context.Context, *channel.Receiver[int]) error { return nil }), nil)
		cancel.FromContext(ctx).Cancel(errBoom)
		err := channel.Generate(ctx, 0, produce, func(ctx context.Context, r *channel.Receiver[int]) error {
			_, err := r.Receive(ctx)
			return err
		})
		wantCanceled(t, "Generate()", err, ctx)
		if ran {
			t.Error("the producer ran")
		}
	})
	bubble(t, "CH9/the producer's error is returned unchanged", func(t *testing.T, ctx context.Context) {
		for _, when := range []int{0, 2} {
			err := channel.Generate(ctx, 1, func(ctx context.Context, yield func(int) error) error {
				if err := counting(when)(ctx, yield); err != nil {
					return err
				}
				return errBoom
			}, func(ctx context.Context, r *channel.Receiver[int]) error {
				for _, err := range r.All(ctx) {
					if err != nil {
						return err
					}
				}
				return nil
			})
			wantErr(t, "Generate()", err, errBoom)
		}
	})
	bubble(t, "CH9/the consumer's error is returned unchanged", func(t *testing.T, ctx context.Context) {
		for _, want := range []error{errBoom, errors.Join(io.EOF, errBoom), nursery.Run(ctx, func(context.Context, *nursery.Nursery) error { return errBoom })} {
			err := channel.Generate(ctx, 0, counting(-1), func(ctx context.Context, r *channel.Receiver[int]) error {
				_, _ = r.Receive(ctx)
				return want
			})
			if fmt.Sprintf("%T %v", err, err) != fmt.Sprintf("%T %v", want, want) {
				t.Errorf("Generate() = %T %v, want %T %v", err, err, want, want)
			}
		}
	})
	bubble(t, "CH9/both errors are returned", func(t *testing.T, ctx context.Context) {
		cleanup := errors.New("clean-up")
		err := channel.Generate(ctx, 0, func(ctx context.Context, yield func(int) error) error {
			err := counting(-1)(ctx, yield)
			return errors.Join(err, cleanup)
		}, func(ctx context.Context, r *channel.Receiver[int]) error {
			_, _ = r.Receive(ctx)
			return errBoom
		})
		if !errors.Is(err, errBoom) || !errors.Is(err, cleanup) {
			t.Errorf("Generate() = %v, want both", err)
		}
	})
	bubble(t, "CH9/closing the receiver ends the producer without a failure", func(t *testing.T, ctx context.Context) {
		for _, capacity := range []int{0, 3} {
			ended := false
			err := channel.Generate(ctx, capacity, func(ctx context.Context, yield func(int) error) error {
				err := counting(-1)(ctx, yield)
				if !errors.Is(err, channel.ErrBroken) {
					t.Errorf("yield() = %v, want ErrBroken", err)
				}
				ended = true
				return err
			}, func(ctx context.Context, r *channel.Receiver[int]) error {
				_, _ = r.Receive(ctx)
				r.Close()
				synctest.Wait()
				if !ended {
					t.Error("the producer has not ended")
				}
				_, err := r.Receive(ctx)
				wantErr(t, "Receive()", err, channel.ErrClosed)
				return nil
			})
			wantErr(t, "Generate()", err, nil)
		}
	})
	bubble(t, "CH9/Generate closes the receiver", func(t *testing.T, ctx context.Context) {
		var kept *channel.Receiver[int]
		err := channel.Generate(ctx, 5, counting(3), func(_ context.Context, r *channel.Receiver[int]) error { kept = r; return nil })
		wantErr(t, "Generate()", err, nil)
		_, err = kept.Receive(ctx)
		wantErr(t, "Receive()", err, channel.ErrClosed)
	})
	bubble(t, "CH9/ErrBroken of another channel is a failure", func(t *testing.T, ctx context.Context) {
		s, r := channel.New[int](1)
		r.Close()
		err := channel.Generate(ctx, 1, func(ctx context.Context, yield func(int) error) error { return s.Send(ctx, 1) },
			func(ctx context.Context, r *channel.Receiver[int]) error { return cancel.Forever(ctx) })
		wantErr(t, "Generate()", err, channel.ErrBroken)
	})
	bubble(t, "CH9/a scope in the producer does not cancel the consumer", func(t *testing.T, ctx context.Context) {
		var got []int
		err := channel.Generate(ctx, 0, func(ctx context.Context, yield func(int) error) error {
			for i := range 3 {
				if moved, err := cancel.MoveOnAfter(ctx, time.Second, cancel.Forever); !moved {
					return err
				}
				if err := yield(i); err != nil {
					return err
				}
			}
			return nil
		}, func(ctx context.Context, r *channel.Receiver[int]) error {
			for v, err := range r.All(ctx) {
				if err != nil {
					return err
				}
				got = append(got, v)
			}
			return nil
		})
		if err != nil || len(got) != 3 {
			t.Errorf("Generate() = %v, received %v, want nil, 3 values", err, got)
		}
	})
	for _, capacity := range []int{0, 2} {
		bubble(t, fmt.Sprintf("CH9/several receivers, capacity %d", capacity), func(t *testing.T, ctx context.Context) {
			const receivers, values = 3, 100
			seen := make([]int, values)
			err := channel.Generate(ctx, capacity, counting(values), func(ctx context.Context, r *channel.Receiver[int]) error {
				return nursery.Run(ctx, func(ctx context.Context, n *nursery.Nursery) error {
					for range receivers {
						r := r.Clone()
						n.Go(func(ctx context.Context) error {
							defer r.Close()
							for v, err := range r.All(ctx) {
								if err != nil {
									return err
								}
								seen[v]++
							}
							return nil
						})
					}
					return nil
				})
			})
			if err != nil || slices.Min(seen) != 1 || slices.Max(seen) != 1 {
				t.Errorf("Generate() = %v, received %v times, want nil, each once", err, seen)
			}
		})
	}
	bubble(t, "CH9/values are received with Ready", func(t *testing.T, ctx context.Context) {
		sum := 0
		err := channel.Generate(ctx, 0, counting(10), func(ctx context.Context, r *channel.Receiver[int]) error {
			for {
				<-r.Ready()
				v, err := r.TryReceive()
				switch err {
				case nil:
					sum += v
				case io.EOF:
					return nil
				default: // the producer has been woken but has not sent yet
					return err
				}
			}
		})
		if err != nil || sum != 45 {
			t.Errorf("Generate() = %v, the sum is %d, want nil, 45", err, sum)
		}
	})
	bubble(t, "CH9/several goroutines yield different numbers of values", func(t *testing.T, ctx context.Context) {
		for _, pause := range []time.Duration{0, time.Millisecond} {
			sum := 0
			err := channel.Generate(ctx, 0, func(ctx context.Context, yield func(int) error) error {
				return nursery.Run(ctx, func(_ context.Context, n *nursery.Nursery) error {
					for _, count := range []int{1, 3, 2} {
						n.Go(func(context.Context) error {
							for i := range count {
								if err := yield(i + 1); err != nil {
									return err
								}
							}
							return nil
						})
					}
					return nil
				})
			}, func(ctx context.Context, r *channel.Receiver[int]) error {
				for v, err := range r.All(ctx) {
					if err != nil {
						return err
					}
					sum += v
					time.Sleep(pause)
				}
				return nil
			})
			if err != nil || sum != 1+6+3 {
				t.Errorf("Generate() = %v, the sum is %d, want nil, 10", err, sum)
			}
		}
	})
	bubble(t, "CH9/a receiver that gave up does not count as pending", func(t *testing.T, ctx context.Context) {
		at := -1
		err := channel.Generate(ctx, 0, func(ctx context.Context, yield func(int) error) error {
			for i := 0; ; i++ {
				at = i
				if err := cancel.Sleep(ctx, 10*time.Second); err != nil {
					return err
				}
				if err := yield(i); err != nil {
					return err
				}
			}
		}, func(ctx context.Context, r *channel.Receiver[int]) error {
			first := call(func() error { _, err := r.Receive(ctx); return err })
			synctest.Wait()
			moved, err := cancel.MoveOnAfter(ctx, 5*time.Second, func(ctx context.Context) error {
				_, err := r.Receive(ctx)
				return err
			})
			if !moved {
				t.Errorf("MoveOnAfter() = false, %v, want true", err)
			}
			wantErr(t, "Receive()", <-first, nil)
			synctest.Wait()
			if at != 0 {
				t.Errorf("the producer is at %d, want 0: no receiver has asked for more", at)
			}
			return nil
		})
		wantErr(t, "Generate()", err, nil)
	})
	bubble(t, "CH9/a panic or Goexit continues in the caller", func(t *testing.T, ctx context.Context) {
		var p *nursery.PanicError
		func() {
			defer func() { p, _ = recover().(*nursery.PanicError) }()
			_ = channel.Generate(ctx, 1, func(context.Context, func(int) error) error { panic("v") },
				func(ctx context.Context, r *channel.Receiver[int]) error { return cancel.Forever(ctx) })
		}()
		if p == nil || p.Value != "v" {
			t.Errorf("panic(%v), want the producer's panic", p)
		}
		ended := make(chan bool, 1)
		go func() {
			returned := false
			defer func() { ended <- !returned }()
			_ = channel.Generate(ctx, 1, counting(-1), func(context.Context, *channel.Receiver[int]) error { runtime.Goexit(); return nil })
			returned = true
		}()
		if !<-ended {
			t.Error("Generate returned, want Goexit")
		}
	})
}
