package websocket

// Sizes of messages: around where the frame's length changes its form, and up to
// a mebibyte.
var Sizes = []int{0, 64, 125, 126, 65535, 65536, 1 << 20}

// CloseCode is the code that clients close with.
const CloseCode = 4001

// text is a message of printable ASCII that has no short period.
func text(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(' ' + (i*7+i/95)%95)
	}
	return b
}

// binary is a message of all bytes.
func binary(size int) []byte {
	b := make([]byte, size)
	for i := range b {
		b[i] = byte(i*7 + i/256)
	}
	return b
}

// fragments cuts a message into three.
func fragments(b []byte) [3][]byte {
	return [3][]byte{b[:len(b)/3], b[len(b)/3 : len(b)/2], b[len(b)/2:]}
}
