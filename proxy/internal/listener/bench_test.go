package listener

import (
	"bufio"
	"io"
	"strings"
	"testing"
)

// BenchmarkProxy is one request after the other on one connection through real
// sockets. What it allocates is the backend's, which is of net/http.
func BenchmarkProxy(b *testing.B) {
	for name, d := range map[string]Driver{"fastest": Fastest, "goroutines": Goroutines} {
		b.Run(name, func(b *testing.B) {
			body := strings.Repeat("x", 1024)
			addr := script(b, func(_ int, c *rawConn) {
				answer := []byte("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n" + body)
				for skipHead(c.r) == nil {
					if _, err := c.Write(answer); err != nil {
						return
					}
				}
			})
			p := start(b, settings{driver: d, quiet: true}, to(addr))
			c := p.dial()
			request := []byte("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: bench\r\n\r\n")
			out := make([]byte, len("HTTP/1.1 200 OK\r\nContent-Length: 1024\r\n\r\n")+len(body))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Write(request); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(c.r, out); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// skipHead reads to the empty line.
func skipHead(r *bufio.Reader) error {
	for {
		line, err := r.ReadSlice('\n')
		if err != nil || len(line) == 2 {
			return err
		}
	}
}
