package h1

// The bounds of what a chunked body may carry beside its data.
const (
	maxSizeDigits = 15
	// maxExtensions bounds the extensions of a whole body: they are thrown
	// away, and a peer could send nothing else.
	maxExtensions = 4 << 10
	// little is the size of the largest chunk that is moved to stand behind the one
	// before it. What is done for each piece of data costs more than that.
	little = 1 << 10
	// MaxTrailer is the size of the largest trailer section.
	MaxTrailer = 8 << 10
)

// The places within a chunked body that a Decoder can be in.
const (
	atSize uint8 = iota
	inSize
	inExtension
	atSizeLF
	inData
	atDataCR
	atDataLF
	atLine
	inLine
	atLineLF
	atEndLF
	atEnd
)

// Decoder takes a chunked body apart, in pieces of any size (RFC 9112, section
// 7.1). The zero value is at the start of a body.
type Decoder struct {
	state      uint8
	digits     uint8
	extensions uint16
	size       int64
	trailer    []byte
}

// Reset makes d ready for another body; it keeps its memory.
func (d *Decoder) Reset() { *d = Decoder{trailer: d.trailer[:0]} }

// Done reports whether the body has ended.
func (d *Decoder) Done() bool { return d.state == atEnd }

// Trailer returns the trailer section that was read, as field lines without
// the final empty line. It is valid until the next call of Reset.
func (d *Decoder) Trailer() []byte { return d.trailer }

// Next reads from b up to and including the first piece of data. It returns
// that piece, which is a part of b, and how much of b was read. There is no
// more to be had from b when n is len(b) or the body is Done.
//
// Little chunks in a row are one piece: it is put together in b, which is
// overwritten up to n.
func (d *Decoder) Next(b []byte) (data []byte, n int, err error) {
	for n < len(b) && d.state != atEnd {
		if d.state != inData {
			m, err := d.framing(b[n:])
			if err != nil {
				return nil, n, err
			}
			n += m
			continue
		}
		m := int(min(d.size, int64(len(b)-n)))
		if m > little && len(data) > 0 {
			break
		}
		if piece := b[n : n+m]; data == nil {
			data = piece
		} else {
			// In place: the lines between the pieces have left the room.
			data = append(data, piece...)
		}
		n += m
		if d.size -= int64(m); d.size == 0 {
			d.state = atDataCR
		}
		if m > little {
			break
		}
	}
	return data, n, nil
}

// framing takes some of what is not data, and returns how much.
func (d *Decoder) framing(b []byte) (n int, err error) {
	if n := d.sizeLine(b); n > 0 {
		return n, nil
	}
	return 1, d.step(b[0])
}

// sizeLine takes all that stands between the data of two chunks at once, if it
// is there and the second chunk is not the last one. It returns zero for
// everything else, which includes what is wrong.
func (d *Decoder) sizeLine(b []byte) (n int) {
	switch {
	case d.state == atDataCR && len(b) > 2 && b[0] == '\r' && b[1] == '\n':
		n = 2
	case d.state != atSize:
		return 0
	}
	first, size := n, int64(0)
	for n < len(b) && n-first < maxSizeDigits && class[b[n]]&isHex != 0 {
		size = size<<4 | int64(unhex(b[n]))
		n++
	}
	if size == 0 || len(b) < n+2 || b[n] != '\r' || b[n+1] != '\n' {
		return 0
	}
	d.size, d.state = size, inData
	return n + 2
}

// step takes one byte that is not data.
func (d *Decoder) step(c byte) error {
	switch d.state {
	case atSize, inSize:
		return d.sizeByte(c)
	case inExtension:
		return d.extensionByte(c)
	case atSizeLF:
		d.state = inData
		if d.size == 0 {
			d.state = atLine
		}
		return expect(c, '\n')
	case atDataCR:
		d.state = atDataLF
		return expect(c, '\r')
	case atDataLF:
		d.state, d.digits = atSize, 0
		return expect(c, '\n')
	}
	return d.trailerByte(c)
}

func expect(c, want byte) error {
	if c != want {
		return ErrChunk
	}
	return nil
}

func (d *Decoder) sizeByte(c byte) error {
	switch {
	case class[c]&isHex != 0:
		if d.digits++; d.digits > maxSizeDigits {
			return ErrChunk
		}
		d.size, d.state = d.size<<4|int64(unhex(c)), inSize
	case d.state == atSize:
		return ErrChunk
	case c == '\r':
		d.state = atSizeLF
	case c == ';':
		d.state = inExtension
	default:
		return ErrChunk
	}
	return nil
}

func (d *Decoder) extensionByte(c byte) error {
	if c == '\r' {
		d.state = atSizeLF
		return nil
	}
	if d.extensions++; d.extensions > maxExtensions || class[c]&isValue == 0 {
		return ErrChunk
	}
	return nil
}

// trailerByte takes a byte after the last chunk.
func (d *Decoder) trailerByte(c byte) error {
	switch d.state {
	case atLine:
		if c == '\r' {
			d.state = atEndLF
			return nil
		}
		d.state = inLine
	case atLineLF:
		d.state = atLine
		if c != '\n' {
			return ErrTrailer
		}
	case atEndLF:
		d.state = atEnd
		if c != '\n' {
			return ErrTrailer
		}
		return d.checkTrailer()
	}
	switch {
	case d.state == inLine && c == '\r':
		d.state = atLineLF
	case d.state == inLine && class[c]&isValue == 0:
		return ErrTrailer
	}
	if len(d.trailer) == MaxTrailer {
		return ErrTrailer
	}
	d.trailer = append(d.trailer, c)
	return nil
}

// checkTrailer refuses trailer lines that are not fields.
func (d *Decoder) checkTrailer() error {
	for b := d.trailer; len(b) > 0; {
		name, line := trailerLine(b)
		if !IsToken(name) {
			return ErrTrailer
		}
		b = b[len(line):]
	}
	return nil
}
