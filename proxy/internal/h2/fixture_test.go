package h2

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/fleetgate/fleetgate/proxy/internal/h1"
)

// exchange is what the recorder keeps of a stream.
type exchange struct {
	s        *Stream
	request  h1.Request
	response h1.Response
	// received is how much data came, trailers the section at its end.
	received int
	trailers []byte
	toSend   []byte
	// ended is whether the peer has ended its message, over whether Reset was
	// called.
	ended, over bool
}

// recorder is a Handler that writes down what it is told.
type recorder struct {
	c   Conn
	log []string
	// all is every stream by its identifier.
	all map[uint32]*exchange
	// serve, if set, is called with each event's stream after it is logged.
	serve func(e *exchange, what string, end bool)
	// hold keeps data unconsumed.
	hold bool
	// echoes makes data of a stream what is to be sent on it.
	echoes bool
}

func newRecorder(role Role, o Options) *recorder {
	r := &recorder{all: map[uint32]*exchange{}}
	if o.Pool == nil {
		o.Pool = new(Pool)
	}
	r.c.Init(role, &o, r, 0)
	return r
}

func (r *recorder) note(s *Stream, format string, args ...any) {
	r.log = append(r.log, fmt.Sprintf("%d ", s.ID())+fmt.Sprintf(format, args...))
}

func (r *recorder) NewRequest(s *Stream) *h1.Request {
	e := &exchange{s: s}
	s.Owner = e
	r.all[s.ID()] = e
	e.request.Start(nil)
	return &e.request
}

func (r *recorder) NewResponse(s *Stream) *h1.Response {
	e := s.Owner.(*exchange)
	e.response.Start(nil)
	return &e.response
}

func (r *recorder) tell(s *Stream, what string, end bool) {
	if r.serve != nil {
		r.serve(s.Owner.(*exchange), what, end)
	}
}

func (r *recorder) Head(s *Stream, end bool) {
	e := s.Owner.(*exchange)
	if r.c.role == Server {
		q := &e.request
		r.note(s, "request %s %s%s%s?%s [%s] %q %v", q.Method, q.Name, q.Port, q.Path, q.Query, q.Protocol, q.AppendFields(nil, nil), end)
	} else {
		r.note(s, "response %d %q %v", e.response.Status, e.response.AppendFields(nil, nil), end)
	}
	r.tell(s, "head", end)
}

func (r *recorder) Data(s *Stream, b []byte, end bool) {
	r.note(s, "data %q %v", b, end)
	e := s.Owner.(*exchange)
	e.received += len(b)
	if r.echoes {
		e.toSend = append(e.toSend, b...)
	}
	if !r.hold {
		s.Consumed(len(b))
	}
	r.tell(s, "data", end)
}

func (r *recorder) Trailers(s *Stream, section []byte) {
	r.note(s, "trailers %q", section)
	e := s.Owner.(*exchange)
	e.trailers = bytes.Clone(section)
	r.tell(s, "trailers", true)
}

func (r *recorder) Reset(s *Stream, code Code, refused bool) {
	r.note(s, "reset %v %v", code, refused)
	s.Owner.(*exchange).over = true
	s.Release()
}

func (r *recorder) Writable(s *Stream) {
	r.note(s, "writable")
	r.tell(s, "writable", false)
}

func (r *recorder) GoingAway() { r.log = append(r.log, "going away") }

// takeLog returns what was logged since the last call.
func (r *recorder) takeLog() string {
	s := strings.Join(r.log, "\n")
	r.log = nil
	return s
}

// peer makes what the other side sends, by a framer of its own.
type peer struct {
	*http2.Framer
	buf   bytes.Buffer
	block bytes.Buffer
	enc   *hpack.Encoder
}

func newPeer() *peer {
	p := new(peer)
	p.Framer = http2.NewFramer(&p.buf, nil)
	p.AllowIllegalWrites = true
	p.enc = hpack.NewEncoder(&p.block)
	return p
}

// hello sends the preface of a client, which a server has none of.
func (p *peer) hello(role Role) {
	if role == Server {
		p.buf.WriteString(http2.ClientPreface)
	}
	p.WriteSettings()
}

// fields encodes "name: value" strings.
func (p *peer) fields(lines ...string) []byte {
	p.block.Reset()
	for _, l := range lines {
		name, value, _ := strings.Cut(l, ": ")
		p.enc.WriteField(hpack.HeaderField{Name: name, Value: value})
	}
	return bytes.Clone(p.block.Bytes())
}

func (p *peer) head(id uint32, end bool, lines ...string) {
	p.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: p.fields(lines...), EndStream: end, EndHeaders: true})
}

// get are the pseudo-header fields of a common request.
var get = []string{":method: GET", ":scheme: http", ":path: /", ":authority: a.example"}

func with(lines []string, more ...string) []string {
	return append(append([]string(nil), lines...), more...)
}

// take returns what was written since the last call.
func (p *peer) take() []byte {
	b := bytes.Clone(p.buf.Bytes())
	p.buf.Reset()
	return b
}

// sent describes the frames of b, each in a line.
func sent(t *testing.T, b []byte) string {
	t.Helper()
	var out []string
	fr := http2.NewFramer(nil, bytes.NewReader(bytes.TrimPrefix(b, []byte(preface))))
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			break
		}
		out = append(out, describe(f))
	}
	return strings.Join(out, "\n")
}

func describe(f http2.Frame) string {
	id := f.Header().StreamID
	switch f := f.(type) {
	case *http2.SettingsFrame:
		return fmt.Sprintf("SETTINGS ack=%v", f.IsAck())
	case *http2.WindowUpdateFrame:
		return fmt.Sprintf("WINDOW_UPDATE %d +%d", id, f.Increment)
	case *http2.RSTStreamFrame:
		return fmt.Sprintf("RST_STREAM %d %v", id, f.ErrCode)
	case *http2.GoAwayFrame:
		return fmt.Sprintf("GOAWAY %d %v %s", f.LastStreamID, f.ErrCode, f.DebugData())
	case *http2.PingFrame:
		return fmt.Sprintf("PING ack=%v %s", f.IsAck(), f.Data)
	case *http2.DataFrame:
		return fmt.Sprintf("DATA %d %d end=%v", id, len(f.Data()), f.StreamEnded())
	case *http2.MetaHeadersFrame:
		s := fmt.Sprintf("HEADERS %d", id)
		for _, h := range f.Fields {
			s += fmt.Sprintf(" %s=%s", h.Name, h.Value)
		}
		return s + fmt.Sprintf(" end=%v", f.StreamEnded())
	}
	return f.Header().String()
}

// takeSent returns a description of what c sends, as if all of it were written.
func (r *recorder) takeSent(t *testing.T) string {
	t.Helper()
	b := bytes.Clone(r.c.Out)
	r.c.Out = r.c.Out[:0]
	r.c.Written(true)
	return sent(t, b)
}
