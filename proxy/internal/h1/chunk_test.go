package h1

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// decode takes a whole input apart in pieces of the given size.
func decode(in string, piece int) (data string, rest int, trailer string, err error) {
	var d Decoder
	var out []byte
	defer func() { data = string(out) }()
	b := []byte(in)
	for len(b) > 0 && !d.Done() {
		p := b[:min(piece, len(b))]
		for len(p) > 0 && !d.Done() {
			x, n, err := d.Next(p)
			if err != nil {
				return "", len(b), "", err
			}
			out = append(out, x...)
			p, b = p[n:], b[n:]
		}
	}
	if !d.Done() {
		return "", 0, "", errors.New("incomplete")
	}
	return "", len(b), string(d.Trailer()), nil
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

// next takes what Next returns of a body, piece by piece.
func next(in string) (pieces []string, rest string, err error) {
	var d Decoder
	b := []byte(in)
	for len(b) > 0 && !d.Done() {
		data, n, err := d.Next(b)
		if err != nil {
			return pieces, string(b[n:]), err
		}
		if len(data) > 0 {
			pieces = append(pieces, string(data))
		}
		b = b[n:]
	}
	return pieces, string(b), nil
}

// chunked is a body of chunks as they are given, without its end.
func chunked(pieces ...string) string {
	var out []byte
	for _, p := range pieces {
		out = AppendChunk(out, []byte(p))
	}
	return string(out)
}

// Little chunks in a row are one piece, and larger ones pieces of their own.
func TestDecoderJoinsLittleChunks(t *testing.T) {
	const end = "0\r\nA: b\r\n\r\n"
	large, largest := strings.Repeat("L", little+1), strings.Repeat("l", little)
	for _, tt := range []struct {
		name, in string
		want     []string
		rest     string
		err      error
	}{
		{"little ones", chunked("a", "bc", "def") + end, []string{"abcdef"}, "", nil},
		{"the largest of the little ones", chunked("a", largest, largest) + end, []string{"a" + largest + largest}, "", nil},
		{"a large one behind them", chunked("a", "b", large, "c") + end, []string{"ab", large, "c"}, "", nil},
		{"a large one first", chunked(large, "a", "b") + end, []string{large, "ab"}, "", nil},
		{"large ones", chunked(large, large) + end, []string{large, large}, "", nil},
		{"a space behind a size", "1;x=y\r\na\r\n01 \r\n", nil, " \r\n", ErrChunk},
		{"an extension between them", "1;x=y\r\na\r\n0001\r\nb\r\n1;z\r\nc\r\n" + end, []string{"abc"}, "", nil},
		{"a part of a large one behind them", chunked("a") + "401\r\nxyz", []string{"axyz"}, "", nil},
		{"what follows the end", chunked("a", "b") + end + "GET", []string{"ab"}, "GET", nil},
		{"an error behind them", chunked("a", "b") + "x\r\nc", nil, "x\r\nc", ErrChunk},
		{"an error behind a large one", chunked(large) + "x\r\nc", []string{large}, "x\r\nc", ErrChunk},
		{"a size that is too long behind them", chunked("a") + "0000000000000001\r\nb", nil, "1\r\nb", ErrChunk},
		{"a chunk that is longer than its size", chunked("a") + "1\r\nbc\r\n", nil, "c\r\n", ErrChunk},
	} {
		pieces, rest, err := next(tt.in)
		if !slices.Equal(pieces, tt.want) || rest != tt.rest || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %.90q, %q left, %v, want %.90q, %q, %v", tt.name, pieces, rest, err, tt.want, tt.rest, tt.err)
		}
	}
}

// However a body is cut, in chunks and in reads, it is the same.
func TestDecoderAgreesOnPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 20 {
		var want, in []byte
		for range r.IntN(12) {
			chunk := make([]byte, 1+r.IntN(1+r.IntN(3*little)))
			for i := range chunk {
				chunk[i] = byte(r.Uint32())
			}
			want = append(want, chunk...)
			if r.IntN(4) == 0 {
				in = fmt.Appendf(in, "%06X;q=\"v\"\r\n%s\r\n", len(chunk), chunk)
			} else {
				in = AppendChunk(in, chunk)
			}
		}
		in = AppendLastChunk(in, []byte("A: b\r\n"))
		for _, piece := range []int{1, 2, 3, 7, 100, little, little + 1, 1 + r.IntN(len(in)), len(in)} {
			data, rest, trailer, err := decode(string(in)+"next", piece)
			if err != nil || data != string(want) || rest != len("next") || trailer != "A: b\r\n" {
				t.Fatalf("%d bytes in pieces of %d: got %d bytes, or others, %d left, trailer %q, %v", len(want), piece, len(data), rest, trailer, err)
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
