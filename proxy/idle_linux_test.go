package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

// An idle connection that has made a request costs little memory of the
// process: the growth of its anonymous memory, and of what its runtime says it
// makes use of, from the first third of them to all.
func TestIdleConnectionsAreSmall(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector's own memory is many times that of the proxy")
	}
	for _, tt := range []struct {
		name      string
		n, most   int
		secure    bool
		protocols []string
	}{
		{"plain", 9000, 512, false, nil},
		{"TLS", 3000, 8 << 10, true, []string{"http/1.1"}},
		{"TLS and HTTP/2", 1500, 8 << 10, true, []string{"h2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := start(t, func(http.ResponseWriter, *http.Request) {}, nil)
			// What it takes to be asked for metrics is not the connections'.
			for range 10 {
				c.metric("go_goroutines")
			}
			var held, used []float64
			for range 3 {
				for range tt.n / 3 {
					c.idle(tt.secure, tt.protocols)
				}
				time.Sleep(time.Second)
				held = append(held, float64(c.anonymous()))
				used = append(used, c.metric("go_memory_classes_heap_objects_bytes")+
					c.metric("go_memory_classes_heap_unused_bytes")+c.metric("go_memory_classes_heap_stacks_bytes"))
			}
			others := float64(tt.n - tt.n/3)
			grown, inUse := (held[2]-held[0])/others, (used[2]-used[0])/others
			t.Logf("%.0f bytes of anonymous memory and %.0f in use for each of %d", grown, inUse, tt.n)
			if got := max(grown, inUse); got > float64(tt.most) {
				t.Errorf("got %.0f bytes, want at most %d", got, tt.most)
			}
		})
	}
}

// idle opens a connection, makes a request and leaves it open.
func (c *child) idle(secure bool, protocols []string) {
	c.t.Helper()
	addr := c.plain
	if secure {
		addr = c.secure
	}
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { nc.Close() })
	if secure {
		nc = tls.Client(nc, &tls.Config{ServerName: "a", InsecureSkipVerify: true, NextProtos: protocols})
	}
	if len(protocols) > 0 && protocols[0] == "h2" {
		hello := appendFrame([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 4, 0, 0, "")
		_, err = nc.Write(appendFrame(hello, 1, 5, 1, "\x82\x87\x84\x41\x01a"))
		if err == nil {
			_, err = io.ReadAtLeast(nc, make([]byte, 256), 60)
		}
	} else {
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		_, err = http.ReadResponse(bufio.NewReaderSize(nc, 512), nil)
	}
	if err != nil {
		c.t.Fatal(err)
	}
}
