package main

import "testing"

func TestJudge(t *testing.T) {
	for _, tt := range []struct {
		name     string
		goal     goal
		peer     string
		measured float64
		met      bool
	}{
		{"the best of several peers counts", goal{"ours", []string{"by hand", "other by hand"}, 1.05}, "other by hand", 11. / 9, false},
		{"one peer", goal{"ours", []string{"peer"}, 0.15}, "peer", 0.1, true},
		{"as much as is wanted is met", goal{"ours", []string{"by hand"}, 0.5}, "by hand", 0.5, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := fixed()[0].judge(tt.goal)
			if v.peer != tt.peer || !near(v.measured, tt.measured) || v.met() != tt.met {
				t.Errorf("judge() = %v against %s, met %v, want %v against %s, met %v",
					v.measured, v.peer, v.met(), tt.measured, tt.peer, tt.met)
			}
		})
	}
}

func TestToOurs(t *testing.T) {
	r := fixed()[0]
	for i, want := range []float64{1, 2, 9. / 11, 10} {
		if got := r.toOurs(i); !near(got, want) {
			t.Errorf("toOurs(%d) = %v, want %v", i, got, want)
		}
	}
}
