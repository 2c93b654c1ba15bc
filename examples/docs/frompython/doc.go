// Package frompython holds the Go code of docs/from-python.md, which is for those who
// know asyncio, Trio, Curio or anyio: a function for each block, and tests that run it.
package frompython
