package tlsconn

import (
	"crypto/tls"
	"runtime"
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

// An idle connection costs what crypto/tls keeps of the handshake and no
// buffers of ours.
func TestIdleConnectionsAreSmall(t *testing.T) {
	const connections, bar = 500, 8 << 10
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		client, server := configs("ECDSA", version)
		conns := make([]*Conn, connections)
		request := make([]byte, 500)
		before := settled()
		for i := range conns {
			p := newPair(t, client, server)
			p.client.Write(request)
			transfer(p.client, p.server, 1<<16)
			readAll(p.server)
			p.server.Write(request)
			p.server.Flushed(len(p.server.Output()))
			conns[i] = p.server
		}
		per := (int64(settled()) - int64(before)) / connections
		t.Logf("%s: %d bytes for each idle connection", tls.VersionName(version), per)
		if per > bar {
			t.Errorf("%s: %d bytes for each idle connection, more than %d", tls.VersionName(version), per, bar)
		}
		runtime.KeepAlive(conns)
	}
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
		b.Run(tls.VersionName(tls.VersionTLS13), func(b *testing.B) {
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
