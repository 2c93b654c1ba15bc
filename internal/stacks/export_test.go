package stacks

// Row returns the columns of the table for the first goroutine of d.
func Row(d *Dump) string { return d.row(d.Goroutines[0]) }
