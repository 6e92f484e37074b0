package h1

import (
	"errors"
	"strings"
	"testing"
)

// decode takes a whole input apart in pieces of the given size.
func decode(in string, piece int) (data string, rest int, trailer string, err error) {
	var d Decoder
	b := []byte(in)
	for len(b) > 0 && !d.Done() {
		p := b[:min(piece, len(b))]
		for len(p) > 0 && !d.Done() {
			x, n, err := d.Next(p)
			if err != nil {
				return data, len(b), "", err
			}
			data += string(x)
			p, b = p[n:], b[n:]
		}
	}
	if !d.Done() {
		return data, 0, "", errors.New("incomplete")
	}
	return data, len(b), string(d.Trailer()), nil
}

func TestDecoder(t *testing.T) {
	for _, tt := range []struct {
		name, in, data, trailer string
		rest                    int
	}{
		{"empty", "0\r\n\r\n", "", "", 0},
		{"two chunks", "3\r\nabc\r\n0A\r\n0123456789\r\n0\r\n\r\nGET", "abc0123456789", "", 3},
		{"extension", "3;a=\"b\"\r\nabc\r\n0;x\r\n\r\n", "abc", "", 0},
		{"trailer", "1\r\na\r\n000\r\nA: b\r\nC:\r\n\r\n", "a", "A: b\r\nC:\r\n", 0},
	} {
		for piece := 1; piece <= len(tt.in); piece++ {
			data, rest, trailer, err := decode(tt.in, piece)
			if err != nil || data != tt.data || rest != tt.rest || trailer != tt.trailer {
				t.Errorf("%s in pieces of %d: got %q, %d left, trailer %q, %v", tt.name, piece, data, rest, trailer, err)
			}
		}
	}
}

func TestDecoderRefuses(t *testing.T) {
	for _, in := range []string{
		"\r\n", "g\r\n", "0x3\r\nabc\r\n0\r\n\r\n", "+3\r\nabc", "-3\r\n", " 3\r\nabc", "3 \r\nabc\r\n0\r\n\r\n", "3\t;x\r\n",
		"3\nabc\r\n0\r\n\r\n", "3\r\nabc\n0\r\n\r\n", "3\r\nabcd\r\n0\r\n\r\n", "3\r\nab\r\n0\r\n\r\n", "3\rxabc", "3_0\r\n",
		"1000000000000000\r\n", "fffffffffffffffff\r\n", "3;a\nb\r\nabc", "3;\x00\r\nabc",
		"0\r\nA: b\n\r\n", "0\r\n\n", "0\r\n\rx", "0\r\nnocolon\r\n\r\n", "0\r\n: x\r\n\r\n", "0\r\nA : x\r\n\r\n", "0\r\n A: x\r\n\r\n", "0\r\nA: \x00\r\n\r\n",
		"3;" + strings.Repeat("x", maxExtensions+1), "0\r\nA: " + strings.Repeat("x", MaxTrailer),
	} {
		if _, _, _, err := decode(in, 7); !errors.Is(err, ErrChunk) && !errors.Is(err, ErrTrailer) {
			t.Errorf("%.40q: got error %v", in, err)
		}
	}
}

func TestEncode(t *testing.T) {
	out := AppendChunk(nil, []byte("hello hello hello"))
	out = AppendChunk(out, nil)
	out = AppendLastChunk(out, []byte("X-Sum: 1\r\nContent-Length: 3\r\nx_forwarded_for: y\r\nHost: z\r\nCookie: c\r\nCONTENT-TYPE: q\r\n"))
	if got, want := string(out), "11\r\nhello hello hello\r\n0\r\nX-Sum: 1\r\n\r\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
