package nursery

import "os"

// The tests set what the package itself never changes.
func SetStderr(f interface{ Write([]byte) (int, error) }) (restore func()) {
	stderr = f
	return func() { stderr = os.Stderr }
}
