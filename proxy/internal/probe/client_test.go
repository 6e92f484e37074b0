package probe

import (
	"context"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/go-logr/logr"
	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
	"github.com/fleetgate/fleetgate/proxy/internal/traffic"
)

// fakeSensor is the other end of the socket, played by the test.
type fakeSensor struct {
	t        *testing.T
	listener *net.UnixListener
}

func listen(t *testing.T, path string) *fakeSensor {
	t.Helper()
	l, err := net.ListenUnix("unixpacket", &net.UnixAddr{Name: path, Net: "unixpacket"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &fakeSensor{t, l}
}

// accept takes a connection and its greeting.
func (s *fakeSensor) accept() (*net.UnixConn, probev1.Hello, []int) {
	s.t.Helper()
	conn, err := s.listener.AcceptUnix()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { conn.Close() })
	packet, control := make([]byte, probev1.MaxMessage), make([]byte, unix.CmsgSpace(8*4))
	n, controls, _, _, err := conn.ReadMsgUnix(packet, control)
	if err != nil {
		s.t.Fatal(err)
	}
	var hello probev1.Hello
	if err := probev1.Decode(packet[:n], &hello); err != nil {
		s.t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:controls])
	if err != nil {
		s.t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		for _, fd := range fds {
			unix.Close(fd)
		}
	})
	return conn, hello, fds
}

func (s *fakeSensor) welcome(conn *net.UnixConn, w probev1.Welcome, fds ...int) {
	s.t.Helper()
	packet, err := probev1.Encode(w)
	if err != nil {
		s.t.Fatal(err)
	}
	var rights []byte
	if len(fds) > 0 {
		rights = unix.UnixRights(fds...)
	}
	if _, _, err := conn.WriteMsgUnix(packet, rights, nil); err != nil {
		s.t.Fatal(err)
	}
}

// fixed is a Source that is told as a whole.
type fixed struct{ tables *probev1.Tables }

func (f fixed) Tables() *probev1.Tables         { return f.tables }
func (f fixed) Since(Source) *probev1.Amendment { return nil }

// growing is a Source of as many series as it says, which never shrinks.
type growing int

func (g growing) Tables() *probev1.Tables { return &g.Since(growing(0)).Tables }

func (g growing) Since(told Source) *probev1.Amendment {
	a := &probev1.Amendment{}
	for id := told.(growing) + 1; id <= g; id++ {
		a.Series = append(a.Series, probev1.Series{ID: uint32(id)})
	}
	return a
}

// update reads one.
func (s *fakeSensor) update(conn *net.UnixConn) probev1.Update {
	s.t.Helper()
	packet := make([]byte, probev1.MaxMessage)
	n, err := conn.Read(packet)
	if err != nil {
		s.t.Fatal(err)
	}
	var u probev1.Update
	if err := probev1.Decode(packet[:n], &u); err != nil {
		s.t.Fatal(err)
	}
	return u
}

// tables reads updates up to the last.
func (s *fakeSensor) tables(conn *net.UnixConn) probev1.Tables {
	s.t.Helper()
	var all probev1.Tables
	for {
		u := s.update(conn)
		all.Series = append(all.Series, u.Series...)
		all.Backends = append(all.Backends, u.Backends...)
		if u.Last {
			return all
		}
	}
}

// table makes a file such as the sensor shares.
func table(t *testing.T, size int64, seals int, magic uint64) int {
	t.Helper()
	fd, err := unix.MemfdCreate("test", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	if err := unix.Ftruncate(fd, size); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.Pwrite(fd, (*[8]byte)(unsafe.Pointer(&magic))[:], 0); err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil {
		t.Fatal(err)
	}
	return fd
}

func goodTable(t *testing.T) (int, *probev1.Table) {
	fd := table(t, int64(probev1.TableSize), unix.F_SEAL_SHRINK|unix.F_SEAL_GROW, probev1.TableMagic)
	memory, err := unix.Mmap(fd, 0, probev1.TableSize, unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Munmap(memory) })
	return fd, probev1.TableAt(memory)
}

func total(table *probev1.Table) (n uint64) {
	for _, c := range table.Outcomes() {
		n += c
	}
	return n
}

func start(t *testing.T, socket string) *Client {
	t.Helper()
	return startWith(t, Options{Socket: socket, Log: logr.Discard()})
}

func startWith(t *testing.T, o Options) *Client {
	t.Helper()
	c := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { c.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
	return c
}

func TestGreetingCarriesTheExecutable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.sock")
	sensor := listen(t, path)
	start(t, path)
	_, hello, fds := sensor.accept()

	if hello.ABI != probev1.ABI || hello.Instance == "" {
		t.Errorf("hello: got %+v", hello)
	}
	want := 1
	if hello.HasCgroup {
		want = 2
	}
	if len(fds) != want {
		t.Fatalf("descriptors: got %d, want %d", len(fds), want)
	}
	var got, own unix.Stat_t
	if err := unix.Fstat(fds[0], &got); err != nil {
		t.Fatal(err)
	}
	if err := unix.Stat("/proc/self/exe", &own); err != nil {
		t.Fatal(err)
	}
	if got.Ino != own.Ino || got.Dev != own.Dev {
		t.Error("the first descriptor is not that of the executable")
	}
}

func TestTablesAreSentWhenTheyChangeAndToEachSensor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.sock")
	sensor := listen(t, path)
	c := start(t, path)
	c.Publish(fixed{&probev1.Tables{Series: []probev1.Series{{ID: 1, Name: "first"}}}})

	conn, first, _ := sensor.accept()
	sensor.welcome(conn, probev1.Welcome{ABI: probev1.ABI, Mode: probev1.ModeUprobe})
	if got := sensor.tables(conn); len(got.Series) != 1 || got.Series[0].Name != "first" {
		t.Fatalf("tables: got %+v", got)
	}
	c.Publish(fixed{&probev1.Tables{Series: []probev1.Series{{ID: 1, Name: "second"}}}})
	for {
		if got := sensor.tables(conn); got.Series[0].Name == "second" {
			break
		}
	}

	conn.Close()
	conn, again, _ := sensor.accept()
	if again.Instance != first.Instance {
		t.Errorf("instance changed from %s to %s", first.Instance, again.Instance)
	}
	sensor.welcome(conn, probev1.Welcome{ABI: probev1.ABI, Mode: probev1.ModeUprobe})
	if got := sensor.tables(conn); got.Series[0].Name != "second" {
		t.Errorf("tables for the second sensor: got %+v", got)
	}
}

// A sensor that amends is told what has changed, and nothing where nothing has; another
// one everything.
func TestSensorThatAmendsIsToldWhatChanged(t *testing.T) {
	for _, amends := range []bool{true, false} {
		path := filepath.Join(t.TempDir(), "probe.sock")
		sensor := listen(t, path)
		c := start(t, path)
		c.Publish(growing(2))
		conn, _, _ := sensor.accept()
		sensor.welcome(conn, probev1.Welcome{ABI: probev1.ABI, Mode: probev1.ModeUprobe, Amends: amends})
		if u := sensor.update(conn); u.Amends || len(u.Series) != 2 {
			t.Errorf("at first it is sent %+v", u)
		}
		c.Publish(growing(2))
		if !amends {
			sensor.update(conn)
		}
		time.Sleep(publishEvery + 100*time.Millisecond)
		c.Publish(growing(3))
		if u := sensor.update(conn); u.Amends != amends || len(u.Series) != map[bool]int{true: 1, false: 3}[amends] || u.Series[len(u.Series)-1].ID != 3 {
			t.Errorf("one that amends (%v) is sent %+v", amends, u)
		}
	}
}

func TestSensorThatDoesNotAmendHasTheFirstBackendOfAnAddress(t *testing.T) {
	a, b := netip.MustParseAddrPort("10.0.0.1:80"), netip.MustParseAddrPort("10.0.0.2:80")
	tables := &probev1.Tables{Endpoints: []probev1.Endpoint{{Address: a, Backend: 1}, {Address: a, Backend: 2}, {Address: b, Backend: 2}}}
	sent := updates(fixed{tables}, nil, false)
	if got := sent[0].Endpoints; len(sent) != 1 || len(got) != 2 || got[0].Backend != 1 || got[1].Address != b {
		t.Errorf("got %+v", sent)
	}
}

func TestRequestsAreCountedInTheNewestTable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.sock")
	sensor := listen(t, path)
	c := start(t, path)
	c.Publish(fixed{&probev1.Tables{}})
	observer := c.Observer()
	done := &traffic.Done{Status: 200, Duration: time.Millisecond}
	tell(observer, done) // nobody is there to count it

	const each = 1000
	var tables []*probev1.Table
	for range 3 {
		conn, _, _ := sensor.accept()
		fd, table := goodTable(t)
		tables = append(tables, table)
		sensor.welcome(conn, probev1.Welcome{ABI: probev1.ABI, Mode: probev1.ModeShared}, fd)
		// The tables come after the mode has been entered.
		sensor.tables(conn)
		for range each {
			tell(observer, done)
		}
		conn.Close()
	}
	for i, table := range tables {
		if got := total(table); got != each {
			t.Errorf("table %d: got %d requests, want %d", i, got, each)
		}
	}
}

func TestWhatIsNoTableIsNotMapped(t *testing.T) {
	size := int64(probev1.TableSize)
	tests := []struct {
		name string
		fd   func(*testing.T) int
	}{
		{"too small", func(t *testing.T) int { return table(t, 4096, unix.F_SEAL_SHRINK, probev1.TableMagic) }},
		{"not sealed", func(t *testing.T) int { return table(t, size, 0, probev1.TableMagic) }},
		{"of another kind", func(t *testing.T) int { return table(t, size, unix.F_SEAL_SHRINK, 1) }},
		{"an ordinary file", func(t *testing.T) int {
			f, err := os.Create(filepath.Join(t.TempDir(), "file"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { f.Close() })
			return int(f.Fd())
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m memory
			if err := m.enter(fileOf(t, tt.fd(t))); err == nil || m.current.Load() != nil {
				t.Errorf("enter: got error %v and table %p", err, m.current.Load())
			}
		})
	}
}

// fileOf is a file of a duplicate of a descriptor, which is another's to close.
func fileOf(t *testing.T, fd int) *os.File {
	t.Helper()
	own, err := unix.Dup(fd)
	if err != nil {
		t.Fatal(err)
	}
	file := os.NewFile(uintptr(own), "table")
	t.Cleanup(func() { file.Close() })
	return file
}

func TestAnswersThatAreNotUnderstoodAreNoReasonToStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "probe.sock")
	sensor := listen(t, path)
	c := start(t, path)
	c.Publish(fixed{&probev1.Tables{}})
	for _, w := range []probev1.Welcome{
		{ABI: probev1.ABI + 1, Mode: probev1.ModeUprobe},
		{ABI: probev1.ABI, Mode: "telepathy"},
		{ABI: probev1.ABI, Mode: probev1.ModeShared},
	} {
		conn, _, _ := sensor.accept()
		sensor.welcome(conn, w)
	}
	conn, _, _ := sensor.accept()
	sensor.welcome(conn, probev1.Welcome{ABI: probev1.ABI, Mode: probev1.ModeUprobe})
	sensor.tables(conn)
}

func TestRecordOfARequest(t *testing.T) {
	done := &traffic.Done{
		Rule:     &snapshot.Rule{Series: 7},
		Endpoint: &balance.Endpoint{Cluster: &balance.Cluster{Probe: 9}},
		Duration: 3 * time.Second, Upstream: 2 * time.Second,
		Status: 503, Method: probev1.MethodPut, Protocol: probev1.HTTP2,
		Flags: probev1.FlagTimeout, Attempts: 2, RequestBytes: 11, ResponseBytes: 12,
	}
	want := probev1.Record{
		Series: 7, Backend: 9, Status: 503, Method: probev1.MethodPut, Protocol: probev1.HTTP2,
		Flags: probev1.FlagTimeout, Duration: 3e9, Upstream: 2e9, RequestBytes: 11, ResponseBytes: 12,
	}
	var got probev1.Record
	if fill(&got, done); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if fill(&got, &traffic.Done{Status: 404, Duration: -1}); got != (probev1.Record{Status: 404}) {
		t.Errorf("a request without a rule: got %+v", got)
	}
}

// tell tells an observer of the only request of a turn.
func tell(o traffic.Observer, d *traffic.Done) {
	o.RequestDone(d)
	traffic.TellTurn(o)
}

func TestRequestsWaitForTheEndOfTheTurn(t *testing.T) {
	client := New(Options{Log: logr.Discard()})
	fd, table := goodTable(t)
	if err := client.memory.enter(fileOf(t, fd)); err != nil {
		t.Fatal(err)
	}
	observer := client.Observer()
	const turns, each = 3, waitingRecords + 1
	for turn := range turns {
		for range each {
			observer.RequestDone(&traffic.Done{Status: 200})
		}
		if got, want := total(table), uint64(turn*each+waitingRecords); got != want {
			t.Errorf("turn %d: %d requests are counted before its end, want %d: no more can wait", turn, got, want)
		}
		traffic.TellTurn(observer)
		if got, want := total(table), uint64((turn+1)*each); got != want {
			t.Errorf("turn %d: %d requests are counted after it, want %d", turn, got, want)
		}
		traffic.TellTurn(observer) // in which nothing happened
	}
}

func TestHandshakesAreCountedOnTheirListenersSeries(t *testing.T) {
	client := New(Options{Log: logr.Discard()})
	fd, table := goodTable(t)
	if err := client.memory.enter(fileOf(t, fd)); err != nil {
		t.Fatal(err)
	}
	of := client.Observer().(traffic.HandshakeObserver)
	of.HandshakeDone(traffic.Handshake{Listener: &snapshot.Listener{Handshakes: 7}, How: probev1.HandshakeMade, Took: time.Millisecond})
	of.HandshakeDone(traffic.Handshake{Listener: &snapshot.Listener{Handshakes: 7}, How: probev1.HandshakeAlert, Took: time.Second})
	of.HandshakeDone(traffic.Handshake{Listener: &snapshot.Listener{}, How: probev1.HandshakeMade})
	traffic.TellTurn(of.(traffic.Observer))
	var cell probev1.Cell
	table.ReadSeries(7, &cell)
	if total(table) != 2 || cell.Class[probev1.Class2xx].Sum != 1e6 || cell.Class[probev1.ClassOther].Sum != 1e9 {
		t.Errorf("got %d handshakes, %+v", total(table), cell)
	}
}

func TestObserverDoesNotAllocate(t *testing.T) {
	observer := New(Options{Log: logr.Discard()}).Observer()
	done := &traffic.Done{Status: 200, Duration: time.Millisecond}
	if n := testing.AllocsPerRun(1000, func() { tell(observer, done) }); n != 0 {
		t.Errorf("got %v allocations a request, want none", n)
	}
}

func TestCgroupPath(t *testing.T) {
	tests := []struct {
		name, lines, want string
	}{
		{"version 2 only", "0::/kubepods/pod1/c1\n", "/kubepods/pod1/c1"},
		{"hybrid", "9:name=systemd:/\n8:pids:/x\n0::/kubepods/pod1/c1\n", "/kubepods/pod1/c1"},
		{"a namespace's root", "0::/\n", "/"},
		{"version 1 only", "8:pids:/x\n", ""},
		{"a path with colons", "0::/a::b:c\n", "/a::b:c"},
	}
	for _, tt := range tests {
		file := filepath.Join(t.TempDir(), "cgroup")
		if err := os.WriteFile(file, []byte(tt.lines), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, err := cgroupPath(file); got != tt.want || err != nil {
			t.Errorf("%s: got %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
}

func BenchmarkObserver(b *testing.B) {
	observer := New(Options{Log: logr.Discard()}).Observer()
	done := &traffic.Done{Status: 200, Duration: time.Millisecond, ResponseBytes: 100}
	b.ReportAllocs()
	for b.Loop() {
		tell(observer, done)
	}
}
