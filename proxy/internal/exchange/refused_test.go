package exchange

import (
	"strings"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// A backend that has begun to answer has acted upon the request, whatever it says of
// that after: the client gets no second answer behind the beginning of the first.
func TestAnsweredRequestsAreNotRefused(t *testing.T) {
	for name, says := range map[string]string{
		"a reset":  "\x00\x00\x04\x03\x00\x00\x00\x00\x01\x00\x00\x00\x07",
		"a GOAWAY": "\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldBy(proxyconfig.BackendHTTP2, 1, proxyconfig.Rule{})
			w.client(get)
			w.connected()
			w.says(plainSettings + frame(1, 4, "\x88"))
			w.says(says)
			if len(w.fake.all) != 1 || !strings.HasSuffix(w.fake.log.String(), "abort client\n") {
				t.Errorf("got %s", w.fake.log.String())
			}
		})
	}
}
