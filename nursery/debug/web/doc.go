// Package web serves the task tree of a program over HTTP, to browsers, to curl, and to
// other programs.
//
//	mux := http.NewServeMux()
//	mux.Handle("/debug/tasks/", web.Handler())
//
// Serve it on a loopback listener of its own. A program such as curl gets text, and with
// the parameter format=json the JSON form of [debug.Snapshot]. With warnings=1 the answer
// is empty unless there are warnings.
//
// A browser gets a page with the same tree. It has a filter, the stack of each task, and a
// link to each node, and follows the program by a snapshot every few seconds.
//
// # Parameters
//
//   - format=text, json or html: overrides the header Accept
//   - stacks=0: a snapshot of the registry alone, which does not stop the program
//   - unfold=1: an entry for each task, even for tasks that are alike
//   - warnings=1: the warnings alone
//   - under=ID: the nursery or task with this ID, and what is below it
//   - stack=ID: JSON with the stack of this task, and of no other; may be repeated
//
// # Guarantees
//
// W1 Handler answers GET and HEAD alone. The parameter format selects the form of the
// answer, and without it the header Accept does. The default is text. A parameter with a
// bad value gets status 400, and an unknown ID gets status 404.
//
// W2 The page works below any prefix, and loads nothing but its own files. Its policy lets
// the browser run no other script.
//
// W3 Names are text in every form. The page builds no markup from them.
//
// W4 A Handler takes one snapshot at a time. Requests for the same snapshot within 200
// milliseconds share it. If a snapshot takes more than 5 seconds, because a method Error or a
// function of [Redact] blocks, the other requests no longer wait for it.
//
// W5 A request that reaches a loopback address is refused with status 403 unless its Host is
// an IP address or localhost. Otherwise a foreign page could read the tree by DNS rebinding.
//
// W6 Answers are not stored by caches.
//
// # Security
//
// The tree has what a snapshot has: names of functions, tasks and scopes, file names,
// addresses, and the texts of errors. Any client of the address can read it. Treat it like
// net/http/pprof, and do not serve it to the public. [Redact] hides parts of texts.
//
// This package imports expvar, which registers /debug/vars with [http.DefaultServeMux].
//
// [http.DefaultServeMux]: https://pkg.go.dev/net/http#DefaultServeMux
package web
