// Package echoes tests rule C9 of package cancel with the errors of popular libraries. It
// has a module of its own for their dependencies.
package echoes
