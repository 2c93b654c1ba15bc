// Package frompython has the Go code of docs/from-python, which is for users of asyncio, Trio,
// Curio and anyio. Each block is a function, and tests run it.
package frompython
