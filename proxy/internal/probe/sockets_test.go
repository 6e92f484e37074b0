package probe

import (
	"errors"
	"net"
	"path/filepath"
	"testing"

	"github.com/fleetgate/fleetgate/proxy/internal/sockinfo"
)

// connection is both ends of one.
func connection(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	return client, server
}

func TestTheSensorTellsTheProxyOfItsSockets(t *testing.T) {
	if !room(t) {
		return
	}
	upLoopback(t)
	socket := filepath.Join(sharedDir(t), "probe.sock")
	start(t, socket)
	s := startSensor(t, buildSensor(t), allCapabilities, "--probe-socket", socket)
	values := await(t, "the proxy's greeting", func(v map[string]float64) bool {
		_, counting := v["fleetgate_sensor_dropped_records_total"]
		return counting
	})
	if values[`fleetgate_sensor_hook_attached{hook="getsockopt"}`] != 1 {
		cannot(t, errors.New(s.output.String()))
	}
	for _, hook := range []string{"iter_tcp", "sock_diag"} {
		if values[`fleetgate_sensor_hook_attached{hook="`+hook+`"}`] != 1 {
			t.Errorf("%s is not in use:\n%s", hook, s.output.String())
		}
	}
	client, server := connection(t)
	for name, c := range map[string]net.Conn{"client": client, "server": server} {
		if info := sockinfo.ReadFrom(c); !info.Known || !info.Waited || info.Wait <= 0 {
			t.Errorf("%s: got %+v", name, info)
		}
	}
	s.stop()
	if info := sockinfo.ReadFrom(client); !info.Known || info.Waited {
		t.Errorf("when the sensor has gone: got %+v", info)
	}
}
