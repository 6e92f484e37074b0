package snapshot

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
)

// crowd is a configuration of many small tenants: listeners with a hostname each,
// and routes that share their Service in pairs of eight.
func crowd(listeners, routesEach int) *proxyconfig.Config {
	c := &proxyconfig.Config{}
	for l := range listeners {
		name := fmt.Sprintf("team-%04d/listeners/web", l)
		host := fmt.Sprintf("app-%04d.example.com", l)
		id := fmt.Sprintf("team-%04d/app:80", l)
		c.Listeners = append(c.Listeners, proxyconfig.Listener{Name: name, Port: 80, Protocol: proxyconfig.HTTP, Hostname: host})
		c.Backends = append(c.Backends, proxyconfig.Backend{
			ID: id, Namespace: fmt.Sprintf("team-%04d", l), Service: "app", Port: 80, Protocol: "http",
			Endpoints: []proxyconfig.Endpoint{{Address: fmt.Sprintf("10.1.%d.%d", l/256, l%256), Port: 8080}, {Address: fmt.Sprintf("10.2.%d.%d", l/256, l%256), Port: 8080}},
		})
		for r := range routesEach {
			c.Routes = append(c.Routes, proxyconfig.Route{
				Kind: "HTTPRoute", Namespace: fmt.Sprintf("team-%04d", l), Name: fmt.Sprintf("route-%02d", r), CreatedAt: 1,
				Attachments: []proxyconfig.Attachment{{Listener: name, Hostnames: []string{host}}},
				Rules: []proxyconfig.Rule{{
					Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: fmt.Sprintf("/service-%02d", r)}}},
					Backends: []proxyconfig.BackendRef{{Backend: id, Weight: 1}},
				}},
			})
		}
	}
	return c
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFootprint reports the memory of a configuration with 40,000 routes and
// of what is compiled of it.
func BenchmarkFootprint(b *testing.B) {
	for range b.N {
		start := heap()
		config := crowd(2500, 16)
		read := heap()
		s, refused := Compile(Input{Document: &proxyconfig.Document{}, Config: config, Registry: balance.NewRegistry(balance.Options{})})
		s.Commit()
		compiled := heap()
		if len(refused) > 0 {
			b.Fatal(refused[0])
		}
		b.ReportMetric(float64(read-start)/(1<<20), "config-MiB")
		b.ReportMetric(float64(compiled-read)/(1<<20), "compiled-MiB")
		runtime.KeepAlive(s)
		runtime.KeepAlive(config)
	}
}
