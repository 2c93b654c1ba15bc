package remote

// Repack reads a message, and returns one with the same content.
func Repack(msg []byte) ([]byte, error) {
	h, body, err := unpack(msg)
	if err != nil {
		return nil, err
	}
	return pack(&h, body)
}
