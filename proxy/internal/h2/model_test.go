package h2

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// script is what the client of one stream does, and what the server is told of
// it.
type script struct {
	id    uint32
	steps []func(p *peer)
	want  []string
}

func (s *script) add(want string, step func(p *peer)) {
	s.steps = append(s.steps, step)
	if want != "" {
		s.want = append(s.want, fmt.Sprintf("%d %s", s.id, want))
	}
}

// randomScript makes up a stream: a head, then data, then one of its ends.
func randomScript(rng *rand.Rand, id uint32) *script {
	s := &script{id: id}
	path := fmt.Sprintf("/%d", rng.IntN(9))
	lines := []string{":method: POST", ":scheme: http", ":path: " + path, ":authority: a"}
	name := strings.Repeat("n", 1+rng.IntN(4))
	bare := rng.IntN(4) == 0
	s.add(fmt.Sprintf("request POST a%s? [] %q %v", path, name+": 1\r\n", bare), func(p *peer) {
		p.head(id, bare, with(lines, name+": 1")...)
	})
	if bare {
		return s
	}
	for range rng.IntN(4) {
		data := []byte(strings.Repeat("d", 1+rng.IntN(30)))
		padding := make([]byte, rng.IntN(20))
		s.add(fmt.Sprintf("data %q false", data), func(p *peer) { p.WriteDataPadded(id, false, data, padding) })
		if rng.IntN(5) == 0 {
			s.add("", func(p *peer) { p.WriteWindowUpdate(id, 1) })
		}
	}
	switch rng.IntN(4) {
	case 0:
		s.add(`data "" true`, func(p *peer) { p.WriteData(id, true, nil) })
	case 1:
		s.add(`trailers "t: 1\r\n"`, func(p *peer) { p.head(id, true, "t: 1") })
	case 2:
		s.add("reset CANCEL false", func(p *peer) { p.WriteRSTStream(id, http2.ErrCodeCancel) })
	case 3:
		s.add("reset PROTOCOL_ERROR false", func(p *peer) { p.head(id, false, "t: 1") })
		s.add("", func(p *peer) { p.WriteData(id, true, []byte("crossing")) })
	}
	return s
}

// However the streams of a client are interleaved and however their frames are
// cut into pieces, each stream is told what its client did, in order.
func TestInterleavedStreams(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 1))
		r, p := newRecorder(Server, Options{}), newPeer()
		p.hello(Server)
		scripts := interleave(rng, p)
		for in := p.take(); len(in) > 0; {
			n := min(1+rng.IntN(40), len(in))
			r.c.Receive(0, in[:n])
			in = in[n:]
			r.checkInvariants(t)
		}
		if err := r.c.Err(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		for _, s := range scripts {
			if got := r.about(s.id); got != strings.Join(s.want, "\n") {
				t.Errorf("seed %d: told\n%s\nwant\n%s", seed, got, strings.Join(s.want, "\n"))
			}
		}
	}
}

// interleave writes the scripts of some streams, which begin in the order of
// their identifiers.
func interleave(rng *rand.Rand, p *peer) (scripts []*script) {
	var running []*script
	for left := 20; left > 0 || len(running) > 0; {
		if left > 0 && (len(running) == 0 || rng.IntN(3) == 0) {
			s := randomScript(rng, uint32(2*len(scripts)+1))
			scripts = append(scripts, s)
			s.steps[0](p)
			running = append(running, &script{steps: s.steps[1:]})
			left--
		}
		i := rng.IntN(len(running))
		s := running[i]
		if len(s.steps) == 0 {
			running = append(running[:i], running[i+1:]...)
			continue
		}
		s.steps[0](p)
		s.steps = s.steps[1:]
	}
	return scripts
}

// about returns what the recorder was told of a stream.
func (r *recorder) about(id uint32) string {
	var out []string
	for _, l := range r.log {
		if strings.HasPrefix(l, fmt.Sprintf("%d ", id)) {
			out = append(out, l)
		}
	}
	return strings.Join(out, "\n")
}
