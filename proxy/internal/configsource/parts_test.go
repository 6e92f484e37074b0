package configsource

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// stored is a configuration in parts, as a directory or ConfigMaps hold it.
type stored struct {
	document []byte
	index    *proxyconfig.Config
	parts    map[string][]byte
}

// divide has a listener, n routes with a backend each, and their parts by the
// last digits of their numbers.
func divide(t testing.TB, uid string, revision int64, n int, change func(*proxyconfig.Config)) *stored {
	t.Helper()
	c := sets(n, 1)
	if change != nil {
		change(c)
	}
	s := &stored{parts: map[string][]byte{}}
	fragments := map[string]*proxyconfig.Config{}
	var names []proxyconfig.Part
	at := func(kind proxyconfig.PartKind, number int) *proxyconfig.Config {
		p := proxyconfig.Part{Kind: kind, Number: number}
		if fragments[p.Name()] == nil {
			fragments[p.Name()] = &proxyconfig.Config{}
			names = append(names, p)
		}
		return fragments[p.Name()]
	}
	at(proxyconfig.PartListeners, 0).Listeners = c.Listeners
	for i := range c.Routes {
		f := at(proxyconfig.PartRoutes, i%proxyconfig.RouteParts)
		f.Routes = append(f.Routes, c.Routes[i])
	}
	for i := range c.Backends {
		f := at(proxyconfig.PartBackends, i%proxyconfig.BackendParts)
		f.Backends = append(f.Backends, c.Backends[i])
	}
	var parts []proxyconfig.Part
	for _, p := range names {
		part, data, err := proxyconfig.EncodePart(p.Kind, p.Number, fragments[p.Name()])
		if err != nil {
			t.Fatal(err)
		}
		parts = append(parts, part)
		s.parts[part.Key()] = data
	}
	var err error
	s.document, _, err = proxyconfig.EncodeIndex(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: uid}, revision, c, proxyconfig.Layout{Parts: parts})
	if err != nil {
		t.Fatal(err)
	}
	if _, s.index, _, err = proxyconfig.Decode(s.document); err != nil {
		t.Fatal(err)
	}
	return s
}

// sets are listeners with n routes each, which have a backend each.
func sets(n, listeners int) *proxyconfig.Config {
	c := &proxyconfig.Config{}
	for l := range listeners {
		name := fmt.Sprintf("ns/set-%d/http", l)
		c.Listeners = append(c.Listeners, proxyconfig.Listener{
			Name: name, Port: 80, Protocol: proxyconfig.HTTP, Hostname: fmt.Sprintf("*.t%d.example.com", l),
		})
		for i := range n {
			id := fmt.Sprintf("t%d/svc-%d:80", l, i)
			c.Routes = append(c.Routes, proxyconfig.Route{
				Kind: "HTTPRoute", Namespace: fmt.Sprintf("t%d", l), Name: fmt.Sprintf("r%d", i), CreatedAt: 1,
				Attachments: []proxyconfig.Attachment{{Listener: name, Hostnames: []string{fmt.Sprintf("h%d.t%d.example.com", i, l)}}},
				Rules: []proxyconfig.Rule{{
					Matches:  []proxyconfig.Match{{Path: &proxyconfig.PathMatch{Type: proxyconfig.PathPrefix, Value: "/"}}},
					Backends: []proxyconfig.BackendRef{{Backend: id, Weight: 1}},
				}},
			})
			c.Backends = append(c.Backends, proxyconfig.Backend{
				ID: id, Namespace: fmt.Sprintf("t%d", l), Service: fmt.Sprintf("svc-%d", i), Port: 80, Protocol: proxyconfig.BackendHTTP1,
				Endpoints: []proxyconfig.Endpoint{{Address: fmt.Sprintf("10.%d.%d.%d", l, i>>8, i&255), Port: 8080}},
			})
		}
	}
	return c
}

// reader reads from memory and notes what was read.
func (s *stored) reader(read *[]string) ReadPart {
	return func(p proxyconfig.Part) ([]byte, error) {
		*read = append(*read, p.Name())
		if data, ok := s.parts[p.Key()]; ok {
			return data, nil
		}
		return nil, missing(p)
	}
}

func (s *story) sees(lane Source, of *stored) (read []string) {
	s.c.Observe(Observation{Source: lane, Document: of.document, Part: of.reader(&read)})
	return read
}

// No damage of a part, at whatever byte, lets anything of the index be served.
func TestDamagedPartsAreNeverPartlyApplied(t *testing.T) {
	s := newStory(t)
	good := divide(t, ownUID, 1, 20, nil)
	s.sees(Watch, good)
	before := s.c.Status()
	next := divide(t, ownUID, 2, 20, func(c *proxyconfig.Config) {
		for i := range c.Routes {
			c.Routes[i].Rules[0].Backends[0].Weight = 3
		}
	})
	part := next.index.Parts[len(next.index.Parts)/2]
	victim := part.Key()
	whole := next.parts[victim]
	refused := func(what string) {
		t.Helper()
		delete(s.c.seen, Watch) // Whatever was refused before is to be looked at again.
		s.sees(Watch, next)
		status := s.c.Status()
		if status.Snapshot != before.Snapshot || status.LastReloadOK || s.c.Report().Rejected == nil {
			t.Fatalf("%s: revision %d serves, and the last reload was good: %v", what, status.Snapshot.Revision, status.LastReloadOK)
		}
	}
	for n := range whole {
		next.parts[victim] = whole[:n]
		refused(fmt.Sprint("truncated at ", n))
		flipped := slices.Clone(whole)
		flipped[n] ^= 1 << (n % 8)
		// Some bits carry no meaning, such as what gzip says of the time.
		if _, _, err := proxyconfig.DecodePart(part, flipped); err != nil {
			next.parts[victim] = flipped
			refused(fmt.Sprint("flipped at ", n))
		}
	}
	next.parts[victim] = good.parts[good.index.Parts[len(good.index.Parts)/2].Key()]
	refused("of another generation")
	delete(next.parts, victim)
	refused("missing")
	rejections := s.c.Status().Rejections[RejectionKey{Watch, "incomplete"}]
	refused("still missing")
	if got := s.c.Status().Rejections[RejectionKey{Watch, "incomplete"}]; got != rejections || got == 0 {
		t.Errorf("a part that stays away counts %d rejections, and %d after another look", rejections, got)
	}
	next.parts[victim] = whole
	s.sees(Watch, next)
	if status := s.c.Status(); status.Snapshot.Revision != 2 || !status.LastReloadOK {
		t.Errorf("once it is there, revision %d serves", status.Snapshot.Revision)
	}
	// A lane that lags behind is not asked for its parts.
	if read := s.sees(Mount, good); read != nil || !s.c.Status().LastReloadOK {
		t.Errorf("a lane that lags behind has %v read", read)
	}
	s.sees(Watch, divide(t, "uid-other", 3, 20, nil))
	if status := s.c.Status(); status.Snapshot.Revision != 2 || status.Rejections[RejectionKey{Watch, "gateway"}] != 1 {
		t.Error("another Gateway's index was not refused as such")
	}
}

func TestSavedPartsServeAfterARestart(t *testing.T) {
	saved := SavedConfig{Dir: t.TempDir()}
	s := newStory(t)
	s.c.options.Save = saved.Save
	for revision := range int64(3) {
		s.sees(Watch, divide(t, ownUID, revision+1, 40, func(c *proxyconfig.Config) { c.Routes[3].CreatedAt = revision }))
	}
	if n := s.c.Status().SaveErrors; n != 0 {
		t.Fatalf("%d errors while saving", n)
	}
	again := newStory(t)
	o, err := saved.Load()
	if err != nil {
		t.Fatal(err)
	}
	again.c.Observe(o)
	if got := again.c.Status(); got.Snapshot == nil || got.Snapshot.Revision != 3 || got.Snapshot.Config.RoutePieces().Len() != 40 {
		t.Fatalf("after a restart %+v serves", got.Document)
	}
	// The next process goes on with what is there: it has one part read, and keeps none
	// that is not named any more.
	again.c.options.Save = (&SavedConfig{Dir: saved.Dir}).Save
	again.sees(Watch, divide(t, ownUID, 4, 40, func(c *proxyconfig.Config) { c.Routes[5].CreatedAt = 4 }))
	if got := again.c.Status(); got.Snapshot.Revision != 4 || got.SaveErrors != 0 {
		t.Errorf("revision %d serves after %d errors while saving", got.Snapshot.Revision, got.SaveErrors)
	}
	files, err := os.ReadDir(saved.Dir)
	if err != nil || len(files) != len(again.c.Serving())+1 {
		t.Errorf("%d files are kept for %d parts: %v", len(files), len(again.c.Serving()), err)
	}
	last := newStory(t)
	if o, err = saved.Load(); err != nil {
		t.Fatal(err)
	}
	last.c.Observe(o)
	if got := last.c.Status(); got.Snapshot == nil || got.Snapshot.Revision != 4 {
		t.Errorf("after another restart %+v serves", got.Document)
	}
}

func TestMountedPartsAreRead(t *testing.T) {
	v := newVolume(t)
	of := divide(t, ownUID, 1, 40, nil)
	files := map[string]string{proxyconfig.ConfigKey: string(of.document)}
	for key, data := range of.parts {
		files[key] = string(data)
	}
	absent := of.index.Parts[5].Key()
	delete(files, absent)
	v.write(files)
	m := &MountedConfig{Dir: v.dir, Log: logr.Discard()}
	s := newStory(t)
	look := func() {
		o, err := m.Read()
		if err != nil {
			t.Fatal(err)
		}
		s.c.Observe(o)
	}
	if look(); s.c.Status().Snapshot != nil || s.c.Report().Rejected == nil {
		t.Fatal("an index whose part is not there serves")
	}
	files[absent] = string(of.parts[absent])
	v.write(files)
	if look(); s.c.Status().Snapshot == nil || s.c.Status().Snapshot.Config.RoutePieces().Len() != 40 {
		t.Error("it does not serve once the part is there")
	}
}

// binary is a ConfigMap's data for the API server of the tests.
func binary(data map[string][]byte) map[string]string {
	out := map[string]string{}
	for key, value := range data {
		out[key] = base64.StdEncoding.EncodeToString(value)
	}
	return out
}

// The watched lane reads the parts that do not serve yet, and waits for one that
// comes after its index.
func TestWatchedPartsAreRead(t *testing.T) {
	api := newAPIServer(t)
	of := divide(t, ownUID, 1, 32, nil)
	late := of.index.Parts[4]
	put := func(of *stored, p proxyconfig.Part) {
		api.setBinary("configmaps/gw-config-"+p.Name(), binary(map[string][]byte{p.Key(): of.parts[p.Key()]}))
	}
	for _, p := range of.index.Parts {
		if p != late {
			put(of, p)
		}
	}
	s := newStory(t)
	out := make(chan Observation)
	var wg sync.WaitGroup
	waited := make(chan struct{}, 100)
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("t1"), 0o600); err != nil {
		t.Fatal(err)
	}
	w := &WatchedConfig{
		Client:    &KubeClient{BaseURL: api.http.URL, Namespace: "ns", TokenFile: token, HTTP: api.http.Client()},
		ConfigMap: "gw-config", Serving: s.c.Serving, Random: func() float64 { return 0 }, Log: logr.Discard(),
		Pause: func(ctx context.Context, d time.Duration) { waited <- struct{}{}; pause(ctx, time.Millisecond) },
	}
	ctx, cancel := context.WithCancel(t.Context())
	wg.Go(func() { w.Run(ctx, out) })
	defer wg.Wait()
	defer cancel()
	until := func(what string, done func() bool) {
		t.Helper()
		deadline := time.After(30 * time.Second)
		for !done() {
			select {
			case o := <-out:
				s.c.Observe(o)
			case <-waited:
			case <-deadline:
				t.Fatal(what)
			}
		}
	}
	api.set("configmaps/gw-config", map[string]any{proxyconfig.ConfigKey: string(of.document)})
	until("nobody told of the part that is missing", func() bool { return s.c.Report().Rejected != nil })
	if s.c.Status().Snapshot != nil {
		t.Error("a part is missing, and something serves")
	}
	put(of, late)
	until("the index is not served with all parts there", func() bool { return s.c.Report().Revision == 1 })

	next := divide(t, ownUID, 2, 32, func(c *proxyconfig.Config) { c.Routes[17].Rules[0].Backends[0].Weight = 2 })
	for _, p := range next.index.Parts {
		put(next, p)
	}
	api.mu.Lock()
	before := len(api.requests)
	api.mu.Unlock()
	api.set("configmaps/gw-config", map[string]any{proxyconfig.ConfigKey: string(next.document)})
	until("the next index is not served", func() bool { return s.c.Report().Revision == 2 })
	api.mu.Lock()
	defer api.mu.Unlock()
	reads := slices.DeleteFunc(slices.Clone(api.requests[before:]), func(r string) bool { return strings.Contains(r, "watch=true") })
	if len(reads) != 1 || !strings.HasSuffix(reads[0], "/gw-config-routes-1") {
		t.Errorf("for one changed route %v were read", reads)
	}
}

// FuzzParts feeds arbitrary bytes as a part: nothing of them may be applied.
func FuzzParts(f *testing.F) {
	of := divide(f, ownUID, 1, 20, nil)
	key := of.index.Parts[1].Key()
	f.Add(of.parts[key])
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, data []byte) {
		parts := maps.Clone(of.parts)
		parts[key] = data
		var read []string
		got, err := gather(of.index, nil, nil, (&stored{parts: parts}).reader(&read))
		if err == nil && got.config.RoutePieces().Len() != 20 {
			t.Fatalf("%d routes of something else", got.config.RoutePieces().Len())
		}
	})
}
