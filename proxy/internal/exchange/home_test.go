package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// newTellingWorld has a backend that wants a header of version 1.
func newTellingWorld(protocol string, rule proxyconfig.Rule) *world {
	return newWorldAround(proxyconfig.Backend{Protocol: protocol, ProxyProtocol: proxyconfig.ProxyV1}, 1, rule)
}

const told = `header "PROXY TCP4 192.0.2.1 192.0.2.9 1000 80\r\n"`

// The client's next request finds the connection, another client does not, and
// it ends with the client.
func TestConnectionsThatSpeakForAClient(t *testing.T) {
	w := newTellingWorld(proxyconfig.BackendHTTP1, proxyconfig.Rule{})
	w.client(get)
	w.wants(t, "dial 1", told)
	w.connected()
	w.upstream(ok)
	mine := w.backend()
	other := w.another()
	other.Data([]byte(get))
	w.fake.log.Reset()
	if w.backend() == mine {
		t.Error("another client shares the connection")
	}
	w.client(get)
	if !strings.HasPrefix(w.fake.log.String(), "upstream <- GET") {
		t.Errorf("the client's own connection was not used: %s", w.fake.log.String())
	}
	mine.peer.Data([]byte(ok))
	w.conn.Ended(nil)
	if !mine.dead {
		t.Error("the connection outlives its client")
	}
}

// A copy may outlive the client; what it was sent over does not serve anybody.
func TestCopiesThatSpeakForAClient(t *testing.T) {
	w := newTellingWorld(proxyconfig.BackendHTTP1, mirroring())
	w.client(get)
	copied, original := w.fake.all[0], w.fake.all[1]
	original.peer.(Backend).Connected()
	original.peer.Data([]byte(ok))
	w.conn.Ended(nil)
	copied.peer.(Backend).Connected()
	copied.peer.Data([]byte(ok))
	if !copied.dead || !original.dead {
		t.Error("a connection outlives its client")
	}
}

// A copy that is sent again after its client has gone is all that its new
// connection is for.
func TestCopiesSentAgainForAClientThatIsGone(t *testing.T) {
	const (
		answered = "\x00\x00\x01\x01\x05\x00\x00\x00\x03\x88"
		refused  = "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07"
	)
	w := newTellingWorld(proxyconfig.BackendHTTP2, mirroring())
	w.client(get)
	w.connected()
	w.says(plainSettings + answered)
	w.conn.Ended(nil)
	w.says(refused)
	if len(w.fake.all) != 2 {
		t.Fatalf("%d connections", len(w.fake.all))
	}
	w.connected()
	w.says(plainSettings + "\x00\x00\x01\x01\x05\x00\x00\x00\x01\x88")
	w.backend().peer.Tick()
	w.loop.Flush()
	if !w.backend().dead || w.loop.Active.Load() != 0 {
		t.Error("the connection outlives the copy")
	}
}
