package nursery_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/testutil"
)

// randomScript returns bytes for a script.
func randomScript(rnd *rand.Rand) []byte {
	data := make([]byte, 20+rnd.IntN(400))
	for i := range data {
		data[i] = byte(rnd.Uint32())
	}
	return data
}

// FuzzScripts draws scripts, runs them, and compares what happens, and when, with
// what the model says.
func FuzzScripts(f *testing.F) {
	for seed := range uint64(1000) {
		f.Add(randomScript(rand.New(rand.NewPCG(seed, 1))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, drawScript(data))
	})
}

// compare runs a script both ways.
func compare(t *testing.T, s script) {
	want := predict(s)
	if want.stuck {
		t.Fatalf("the model waits for ever:\n%v", s)
	}
	var got *player
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { got = play(t, ctx, s) })
	if want.vague {
		return
	}
	if d := diff(got.trace, want.trace); d != "" {
		t.Errorf("%s\nof the script\n%v", d, s)
	}
	// N3: at one instant any order will do, and of failures that read alike nobody can
	// tell which is which.
	for id, texts := range got.order {
		last := time.Duration(0)
		for i, text := range texts {
			at, ok := want.order[incident{id, text}]
			if !ok || at == twice || slices.Contains(texts[:i], text) || slices.Contains(texts[i+1:], text) {
				continue
			}
			if at < last {
				t.Errorf("N3: act %d: %q happened before that:\n%q\nof the script\n%v", id, text, texts, s)
			}
			last = max(last, at)
		}
	}
}
