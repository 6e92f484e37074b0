package poison

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/fleetgate/fleetgate/test/internal/edge"
	"github.com/fleetgate/fleetgate/test/protocol/long"
)

func TestMain(m *testing.M) { edge.Main(m) }

// connectionsEach is how many connections each client has at a time.
const connectionsEach = 4

func TestTwoClients(t *testing.T) {
	n := long.N(10_000, 1_000_000)
	p := edge.Start(t, edge.Options{Config: edge.To(startBackend(t))})
	var done atomic.Int64
	var wg sync.WaitGroup
	for i := range 2 * connectionsEach {
		c := &client{name: fmt.Sprintf("%c%d", "AB"[i%2], i), addr: p.Addr("http"), random: rand.New(rand.NewPCG(1, uint64(i)))}
		wg.Go(func() {
			for done.Load() < int64(n) && !t.Failed() {
				made, err := c.do()
				if err != nil {
					t.Errorf("client %s: %v", c.name, err)
				}
				done.Add(int64(made))
			}
			if c.conn != nil {
				c.conn.Close()
			}
		})
	}
	wg.Wait()
	long.Report(t, "Two clients on one pool", int(done.Load()), "0 answers to another request")
}
