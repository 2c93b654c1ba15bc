package script_test

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/grove-go/grove/internal/test/kit"
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

// FuzzScripts draws scripts, runs them, and compares the events and their times with the
// model's.
func FuzzScripts(f *testing.F) {
	kit.DiscardStderr(f) // reports of panics in bodies
	for seed := range uint64(1000) {
		f.Add(randomScript(rand.New(rand.NewPCG(seed, 1))))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		compare(t, drawScript(data))
	})
}

// compare runs a script against the library and in the model.
func compare(t *testing.T, s script) {
	want := predict(s)
	if want.stuck {
		t.Fatalf("the model waits forever:\n%v", s)
	}
	var got *player
	testutil.Bubble(t, func(t *testing.T, ctx context.Context) { got = play(t, ctx, s) })
	if want.vague {
		return
	}
	if d := diff(got.trace, want.trace); d != "" {
		t.Errorf("%s\nof the script\n%v", d, s)
	}
	// N3: failures at the same instant may be in any order, and failures with the same
	// text cannot be told apart.
	for id, texts := range got.order {
		last := time.Duration(0)
		for i, text := range texts {
			at, ok := want.order[incident{id, text}]
			if !ok || at == twice || slices.Contains(texts[:i], text) || slices.Contains(texts[i+1:], text) {
				continue
			}
			if at < last {
				t.Errorf("N3: act %d: %q happened before the previous failure:\n%q\nof the script\n%v", id, text, texts, s)
			}
			last = max(last, at)
		}
	}
}
