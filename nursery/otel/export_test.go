package otel

// RegisterSource is Register for figures from a function. The names of nurseries in the
// figures of package debug stay there until the process ends, so tests cannot try many.
var RegisterSource = register
