package main

import "slices"

// median returns the middle of values, which must not be empty.
func median(values []float64) float64 { return quantile(values, 0.5) }

// spread returns how far apart the middle half of values lies, as a part of the
// median: 0.1 if the quartiles differ by a tenth of it.
func spread(values []float64) float64 {
	return (quantile(values, 0.75) - quantile(values, 0.25)) / median(values)
}

// quantile returns the value below which the part p of values lies, between two of
// them if need be. It is type 7 of Hyndman and Fan, Sample Quantiles in Statistical
// Packages (1996), as in R and NumPy.
func quantile(values []float64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	at := p * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// ratio returns the median of the ratios a[i]/b[i]. What slows down the machine for
// a while slows down both, so it comes out more steady than the ratio of the medians.
func ratio(a, b []float64) float64 {
	ratios := make([]float64, len(a))
	for i := range a {
		ratios[i] = a[i] / b[i]
	}
	return median(ratios)
}
