// Package fromerrgroup has the code of docs/from-errgroup.md, and tests that show each
// behaviour which that states of errgroup, conc, run, tomb and suture, and of Grove in
// their place. It has nothing to import.
package fromerrgroup
