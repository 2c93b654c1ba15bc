package main

import "slices"

// median returns the middle of values, which must not be empty.
func median(values []float64) float64 { return quantile(values, 0.5) }

// spread returns the distance of the quartiles as a part of the median: 0.1 if they differ
// by a tenth of it.
func spread(values []float64) float64 {
	return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}

// quantile returns the value at the quantile p, between two values if need be. It is type 7
// of Hyndman and Fan, Sample Quantiles in Statistical Packages (1996), as in R and NumPy.
func quantile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// ratio returns the median of the ratios a[i]/b[i]. It is steadier than the ratio of the
// medians, because a slow phase of the machine slows down both a[i] and b[i].
func ratio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}
