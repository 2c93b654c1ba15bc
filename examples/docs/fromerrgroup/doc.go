// Package fromerrgroup has the code of docs/from-errgroup.md. Its tests show each behavior
// that the document states about errgroup, conc, run, tomb and suture, and about Grove in
// their place. The package has nothing to import.
package fromerrgroup
