package snapshot

import (
	"fmt"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// large is a configuration of n routes on hosts of their own, with a backend
// each; the last route's weight is the revision.
func large(n int, revision int64) *proxyconfig.Config {
	c := &proxyconfig.Config{Listeners: []proxyconfig.Listener{httpListener("l", 80, "")}}
	for i := range n {
		id := fmt.Sprintf("ns/s%d:80", i)
		r := rules(id)
		if i == n-1 {
			r[0].Backends[0].Weight = int32(revision)
		}
		c.Routes = append(c.Routes, route(fmt.Sprint("r", i), 1, r, on("l", fmt.Sprintf("h%d.example.com", i))))
		c.Backends = append(c.Backends, backends(id)...)
	}
	return c
}

// BenchmarkReload is what one changed route costs a proxy: decoding, compiling
// and taking effect.
func BenchmarkReload(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			registry := balance.NewRegistry(balance.Options{})
			var documents [][]byte
			for revision := range int64(2) {
				data, _, err := proxyconfig.Encode(proxyconfig.Gateway{}, revision, large(n, revision+1))
				if err != nil {
					b.Fatal(err)
				}
				documents = append(documents, data)
			}
			b.ReportMetric(float64(len(documents[0])), "document-bytes")
			b.ReportAllocs()
			var serving *Snapshot
			for i := 0; b.Loop(); i++ {
				d, c, _, err := proxyconfig.Decode(documents[i%2])
				if err != nil {
					b.Fatal(err)
				}
				serving, _ = Compile(Input{Document: d, Config: c, Registry: registry, Previous: serving})
				serving.Commit()
			}
		})
	}
}
