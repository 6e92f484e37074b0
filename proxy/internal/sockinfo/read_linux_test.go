package sockinfo

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

func TestReadFrom(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	for name, c := range map[string]net.Conn{
		"client": client, "server": server, "wrapped": tls.Client(client, &tls.Config{ServerName: "a.example"}),
	} {
		// Whether anything is told of the wait depends on where the test runs.
		if s := ReadFrom(c); !s.Known || s.RTT <= 0 || s.Retransmitted != 0 {
			t.Errorf("%s: got %+v", name, s)
		}
	}
	client.Close()
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	for name, c := range map[string]net.Conn{"closed": client, "no socket": one} {
		if s := ReadFrom(c); s != (traffic.Socket{}) {
			t.Errorf("%s: got %+v", name, s)
		}
	}
}
