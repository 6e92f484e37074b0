package proxyconfig

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	jsonv2 "encoding/json/v2"
	"errors"
	"io"
)

// scratch is what encoding a part takes and leaves nothing of: its text, and a compressor,
// which is a megabyte by itself. A part is encoded every few changes, and for none of these
// is as much memory to be thrown away.
type scratch struct {
	text bytes.Buffer
	zip  *gzip.Writer
}

// spare is the scratch that waits for the next use. A sync.Pool would have none left after
// a time without changes.
var spare = make(chan *scratch, 1)

func takeScratch() *scratch {
	select {
	case s := <-spare:
		return s
	default:
		return newScratch()
	}
}

func newScratch() *scratch {
	// The fastest level: the time is spent before a change is served.
	zip, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		// The level is one that the package has.
		panic(err)
	}
	return &scratch{zip: zip}
}

// leave keeps the scratch for the next use, unless one waits already or an unusually large
// part has made it large.
func (s *scratch) leave() {
	if s.text.Cap() > MaxStoredPart {
		return
	}
	select {
	case spare <- s:
	default:
	}
}

// compressed returns the text, compressed.
func (s *scratch) compressed() ([]byte, error) {
	var out bytes.Buffer
	s.zip.Reset(&out)
	_, err := s.zip.Write(s.text.Bytes())
	err = errors.Join(err, s.zip.Close())
	s.zip.Reset(io.Discard)
	return out.Bytes(), err
}

// marshal replaces what the buffer has by the compact JSON of a configuration, which is
// what json.Marshal returns.
func marshal(into *bytes.Buffer, c *Config) error {
	into.Reset()
	return jsonv2.MarshalWrite(into, c, json.DefaultOptionsV1())
}
