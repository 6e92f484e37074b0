package tlsconn

import (
	"crypto/tls"
	"errors"
	"runtime"
	"strconv"
	"testing"
)

// settled is the heap in use after what is not needed was let go.
func settled() uint64 {
	var m runtime.MemStats
	for range 3 {
		runtime.GC()
	}
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// An idle connection costs what crypto/tls has to remember, and no buffer,
// whatever it sent before. All of them are in the middle of a long record at one
// time, so that memory which is only lent to another does not pass for returned.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const connections, bar = 300, 5 << 10
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs("ECDSA", version)
		client.DynamicRecordSizingDisabled = true
		conns := make([]*Conn, 0, 2*connections)
		before := settled()
		rest := make([][]byte, connections)
		for i := range rest {
			p := newPair(t, client, server)
			rest[i] = halfARecord(p)
			conns = append(conns, p.client, p.server)
		}
		for i, cipher := range rest {
			c, s := conns[2*i], conns[2*i+1]
			s.Feed(cipher)
			if got, err := readAll(s); len(got) != 16000 || !errors.Is(err, ErrWant) {
				t.Fatalf("got %d bytes and %v", len(got), err)
			}
			s.Write(make([]byte, 16000))
			transfer(s, c, 1<<16)
			readAll(c)
		}
		clear(rest)
		per := (int64(settled()) - int64(before)) / int64(len(conns))
		t.Logf("%s: %d bytes for each idle end", tls.VersionName(version), per)
		if per > bar {
			t.Errorf("%s: %d bytes for each idle end, more than %d", tls.VersionName(version), per, bar)
		}
		runtime.KeepAlive(conns)
	}
}

// halfARecord has the server read a part of a long record, and returns the rest.
func halfARecord(p *pair) []byte {
	p.client.Write(make([]byte, 16000))
	out := p.client.Output()
	p.server.Feed(out[:8000])
	readAll(p.server)
	rest := append([]byte(nil), out[8000:]...)
	p.client.Flushed(len(out))
	return rest
}

// pingPong is one request and its answer over an established pair.
func pingPong(p *pair, message, buf []byte) {
	p.client.Write(message)
	transfer(p.client, p.server, 1<<16)
	p.server.Read(buf)
	p.server.Read(buf)
	p.server.Write(message)
	transfer(p.server, p.client, 1<<16)
	p.client.Read(buf)
	p.client.Read(buf)
}

func TestRequestsAllocateNothing(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs("ECDSA", version)
		p := newPair(t, client, server)
		message, buf := make([]byte, 1000), make([]byte, 2000)
		got := testing.AllocsPerRun(200, func() { pingPong(p, message, buf) })
		if got != 0 && !raceEnabled {
			t.Errorf("%s: %v allocations for a request", tls.VersionName(version), got)
		}
	}
}

func BenchmarkRequest(b *testing.B) {
	for _, size := range []int{200, 1000, 16000} {
		b.Run(strconv.Itoa(size), func(b *testing.B) {
			client, server := configs("ECDSA", tls.VersionTLS13)
			p := newPair(b, client, server)
			message, buf := make([]byte, size), make([]byte, size)
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				pingPong(p, message, buf)
			}
		})
	}
}
