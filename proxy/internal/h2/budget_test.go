package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2"
)

// attack is what a client repeats; round is how often it did before.
type attack func(p *peer, round int)

func stream(round int) uint32 { return uint32(2*round + 1) }

// flood is an attack and how many rounds of it are borne at most.
type flood struct {
	do     attack
	rounds int
}

// attacks are what clients do to make us work for nothing.
var attacks = map[string]flood{
	"rapid reset": {func(p *peer, i int) {
		p.head(stream(i), false, get...)
		p.WriteRSTStream(stream(i), 8)
	}, resetCapacity},
	"rapid reset by malformed heads": {func(p *peer, i int) { p.head(stream(i), false, "x: y") }, resetCapacity},
	"made you reset by a window": {func(p *peer, i int) {
		p.head(stream(i), true, get...)
		raw(p, 8, 0, stream(i), "\x00\x00\x00\x00")
	}, resetCapacity},
	"made you reset by a dependency": {func(p *peer, i int) {
		p.head(stream(i), true, get...)
		raw(p, 2, 0, stream(i), string([]byte{0, 0, byte(stream(i) >> 8), byte(stream(i)), 1}))
	}, resetCapacity},
	"made you reset by data": {func(p *peer, i int) {
		p.head(stream(i), true, get...)
		p.WriteData(stream(i), true, nil)
	}, resetCapacity},
	"data on closed streams": {func(p *peer, i int) {
		if i == 0 {
			p.head(1, false, get...)
			p.WriteRSTStream(1, 8)
		}
		// The stream is the last but 128 at most that is remembered as reset.
		p.head(stream(i+1), false, get...)
		p.WriteRSTStream(stream(i+1), 8)
		p.WriteData(stream(i+1), false, []byte("x"))
	}, resetCapacity},
	"SETTINGS":          {func(p *peer, i int) { p.WriteSettings() }, controlCapacity},
	"SETTINGS answered": {func(p *peer, i int) { p.WriteSettingsAck() }, controlCapacity},
	"PING":              {func(p *peer, i int) { p.WritePing(false, [8]byte{}) }, controlCapacity},
	"PING answered":     {func(p *peer, i int) { p.WritePing(true, [8]byte{}) }, controlCapacity},
	"PRIORITY":          {func(p *peer, i int) { p.WritePriority(1, http2.PriorityParam{StreamDep: 3}) }, controlCapacity},
	"WINDOW_UPDATE":     {func(p *peer, i int) { p.WriteWindowUpdate(0, 1) }, controlCapacity},
	"GOAWAY":            {func(p *peer, i int) { p.WriteGoAway(0, 0, nil) }, controlCapacity},
	"unknown frames":    {func(p *peer, i int) { raw(p, 0x1f, 0, 0, "") }, controlCapacity},
	"empty DATA": {func(p *peer, i int) {
		if i == 0 {
			p.head(1, false, get...)
		}
		p.WriteData(1, false, nil)
	}, controlCapacity},
	"empty CONTINUATION": {func(p *peer, i int) {
		if i == 0 {
			raw(p, 1, 0, 1, "")
		}
		raw(p, 9, 0, 1, "")
	}, maxContinuations},
	"long CONTINUATION": {func(p *peer, i int) {
		if i == 0 {
			raw(p, 1, 0, 1, "")
		}
		raw(p, 9, 0, 1, strings.Repeat("\x82", maxFrame))
	}, maxBlock / maxFrame},
	"header bomb": {func(p *peer, i int) {
		block := string(p.fields("x: " + strings.Repeat("\\", 4000)))
		raw(p, 1, 5, stream(i), block+strings.Repeat("\xbe", 10000))
	}, 0},
}

// A client that makes us work for nothing is sent away.
func TestAttacks(t *testing.T) {
	for name, test := range attacks {
		t.Run(name, func(t *testing.T) {
			r, p := newRecorder(Server, Options{}), newPeer()
			p.hello(Server)
			rounds := 0
			for ; r.c.Err() == nil && rounds < 10000; rounds++ {
				test.do(p, rounds)
				r.c.Receive(0, p.take())
				r.takeSent(t)
			}
			if err := r.c.Err(); err == nil || err.Code != EnhanceYourCalm {
				t.Fatalf("ended with %v", err)
			}
			if rounds > test.rounds+perHead+2 {
				t.Errorf("bore %d rounds, want at most %d", rounds, test.rounds)
			}
			if held := cap(r.c.in) + cap(r.c.block.bytes) + cap(r.c.decoder.table.bytes); held > 0 {
				t.Errorf("holds %d bytes", held)
			}
		})
	}
}

// A client that does not read what it asks for is sent away before it has used
// up what a patient one may.
func TestUnreadAnswersAreBounded(t *testing.T) {
	r, p := newRecorder(Server, Options{}), newPeer()
	p.hello(Server)
	r.c.Receive(0, p.take())
	r.c.Written(false)
	rounds := 0
	for ; r.c.Err() == nil && rounds < 10000; rounds++ {
		p.WritePing(false, [8]byte{})
		r.c.Receive(int64(rounds)*second, p.take())
	}
	if r.c.Err() != errQueued || rounds > maxQueued {
		t.Errorf("ended with %v after %d rounds", r.c.Err(), rounds)
	}
}

// Clients that cancel now and then, or read what they ask for in time, are
// served for as long as they like.
func TestPatientClientsAreBorne(t *testing.T) {
	for name, do := range map[string]attack{
		"cancels as many as it lets end": func(p *peer, i int) {
			p.head(stream(2*i), true, get...)
			p.head(stream(2*i+1), false, get...)
			p.WriteRSTStream(stream(2*i+1), 8)
		},
		"pings every second":      func(p *peer, i int) { p.WritePing(false, [8]byte{}) },
		"acknowledges every DATA": func(p *peer, i int) { p.head(stream(i), true, get...); p.WriteWindowUpdate(0, 100) },
	} {
		t.Run(name, func(t *testing.T) {
			r, p := newRecorder(Server, Options{}).answering(), newPeer()
			p.hello(Server)
			for i := range 5000 {
				do(p, i)
				r.c.Receive(int64(i)*second/10, p.take())
				r.c.Out = r.c.Out[:0]
				r.c.Written(true)
				for _, e := range r.all {
					if e.s.Ended() && !e.over {
						e.s.Release()
					}
				}
				clear(r.all)
				r.log = r.log[:0]
			}
			if err := r.c.Err(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
