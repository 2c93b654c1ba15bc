// Package echoes tests rule C9 of package cancel with the errors of libraries that
// are in wide use, which the library itself does not depend on.
package echoes
