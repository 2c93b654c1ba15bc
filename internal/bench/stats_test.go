package main

import (
	"math"
	"testing"
)

func TestMedianAndSpread(t *testing.T) {
	for _, tt := range []struct {
		name           string
		values         []float64
		median, spread float64
	}{
		{"one value", []float64{7}, 7, 0},
		{"two values", []float64{1, 3}, 2, 0.5},
		{"an odd number, unsorted", []float64{30, 10, 20}, 20, 0.5},
		{"an even number", []float64{4, 1, 3, 2}, 2.5, 0.6},
		{"equal values", []float64{5, 5, 5, 5}, 5, 0},
		{"an outlier does not matter", []float64{10, 11, 12, 13, 1e9}, 12, 2. / 12},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := median(tt.values); !near(got, tt.median) {
				t.Errorf("median(%v) = %v, want %v", tt.values, got, tt.median)
			}
			if got := spread(tt.values); !near(got, tt.spread) {
				t.Errorf("spread(%v) = %v, want %v", tt.values, got, tt.spread)
			}
		})
	}
	t.Run("the values keep their order", func(t *testing.T) {
		values := []float64{3, 1, 2}
		median(values)
		if values[0] != 3 || values[1] != 1 || values[2] != 2 {
			t.Errorf("values = %v, want [3 1 2]", values)
		}
	})
}

func TestRatio(t *testing.T) {
	for _, tt := range []struct {
		name string
		a, b []float64
		want float64
	}{
		{"one round", []float64{3}, []float64{2}, 1.5},
		{"rounds differ, their ratios do not", []float64{2, 20, 200}, []float64{1, 10, 100}, 2},
		// The ratio of the medians would be 1.
		{"the median of the ratios", []float64{1, 2, 3}, []float64{2, 4, 1}, 0.5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ratio(tt.a, tt.b); !near(got, tt.want) {
				t.Errorf("ratio(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
			}
		})
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }
