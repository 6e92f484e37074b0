package configsource

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

var update = flag.Bool("update", false, "rewrite the expected answers in testdata")

const ownUID = "uid-own"

// document encodes a configuration whose routes are named.
func document(t testing.TB, uid string, revision int64, routes ...string) []byte {
	t.Helper()
	c := &proxyconfig.Config{Listeners: []proxyconfig.Listener{{Name: "http", Port: 80, Protocol: proxyconfig.HTTP}}}
	for _, name := range routes {
		r := proxyconfig.Route{Kind: "HTTPRoute", Namespace: "ns", Name: name, Rules: []proxyconfig.Rule{{}},
			Attachments: []proxyconfig.Attachment{{Listener: "http", Hostnames: []string{""}}}}
		if strings.HasPrefix(name, "bad") {
			r.Rules[0].Filters = []proxyconfig.Filter{{Type: "Unknown"}}
		}
		c.Routes = append(c.Routes, r)
	}
	data, _, err := proxyconfig.Encode(proxyconfig.Gateway{Namespace: "ns", Name: "gw", UID: uid}, revision, c)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// story runs a script: each line "lane key=value ..." is an observation, and is
// answered by what a reader of metrics and reports then sees.
type story struct {
	t       testing.TB
	c       *Coordinator
	saved   []byte
	diskErr error
	panics  bool
	portErr bool
	now     time.Time
	applied int
}

func newStory(t testing.TB) *story {
	s := &story{t: t, now: time.Unix(1000, 0)}
	s.c = New(Options{
		GatewayUID: ownUID,
		Registry:   balance.NewRegistry(balance.Options{}),
		Apply: func(*snapshot.Snapshot) []proxyconfig.RefusedItem {
			if s.panics {
				panic("a defect")
			}
			s.applied++
			if s.portErr {
				return []proxyconfig.RefusedItem{{Kind: proxyconfig.KindListener, Name: "http", Reason: "port 80 is taken"}}
			}
			return nil
		},
		Save: func(document []byte, _ map[string][]byte) error {
			if s.diskErr == nil {
				s.saved = document
			}
			return s.diskErr
		},
		Now: func() time.Time { return s.now },
		Log: logr.Discard(),
	})
	return s
}

// run executes one line and describes the state after it.
func (s *story) run(line string) string {
	words := strings.Fields(line)
	args := map[string]string{}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		args[key] = value
	}
	s.now = s.now.Add(time.Minute)
	switch words[0] {
	case "disk":
		s.diskErr = map[string]error{"full": errors.New("no space left"), "free": nil}[words[1]]
		return ""
	case "defect":
		s.panics = words[1] == "on"
		return ""
	case "port":
		s.portErr = words[1] == "taken"
		return ""
	case "retry":
		s.c.startRest()
		return s.describe()
	}
	s.c.Observe(s.observation(Source(words[0]), words[1:], args))
	return s.describe()
}

func (s *story) observation(lane Source, words []string, args map[string]string) Observation {
	o := Observation{Source: lane}
	if _, gone := args["gone"]; gone {
		return o
	}
	revision, err := strconv.ParseInt(args["revision"], 10, 64)
	if err != nil {
		s.t.Fatalf("%v: %v", words, err)
	}
	uid := ownUID
	if v, ok := args["uid"]; ok {
		uid = v
	}
	o.Document = document(s.t, uid, revision, strings.FieldsFunc(args["routes"], func(r rune) bool { return r == ',' })...)
	if _, ok := args["truncated"]; ok {
		o.Document = o.Document[:len(o.Document)/2]
	}
	if _, ok := args["flipped"]; ok {
		i := strings.Index(string(o.Document), `"ns"`) + 1
		o.Document[i] ^= 1
	}
	if _, ok := args["future"]; ok {
		o.Document = []byte(strings.Replace(string(o.Document), proxyconfig.Schema, "proxyconfig.fleetgate.io/v9", 1))
	}
	if key, ok := args["certificate"]; ok {
		o.Certificates = map[string]snapshot.KeyPair{key: {Certificate: []byte("PEM")}}
	}
	return o
}

func (s *story) describe() string {
	var b strings.Builder
	status, report := s.c.Status(), s.c.Report()
	if status.Snapshot == nil {
		b.WriteString("serving nothing")
	} else {
		var names []string
		for _, r := range status.Snapshot.Config.Routes {
			names = append(names, r.Name)
		}
		fmt.Fprintf(&b, "serving %d %v", report.Revision, names)
	}
	fmt.Fprintf(&b, ", ok %v, reloads %d, compiled %d, report %d\n", status.LastReloadOK, status.Reloads, s.applied, report.Sequence)
	if report.Rejected != nil {
		fmt.Fprintf(&b, "rejected %s %d: %s\n", report.Rejected.Source, report.Rejected.Revision, report.Rejected.Reason)
	}
	for _, item := range report.Refused {
		fmt.Fprintf(&b, "refused %s %s: %s\n", item.Kind, item.Name, item.Reason)
	}
	keys := slices.SortedFunc(maps.Keys(status.Rejections), func(a, b RejectionKey) int {
		return strings.Compare(string(a.Source)+a.Reason, string(b.Source)+b.Reason)
	})
	for _, key := range keys {
		fmt.Fprintf(&b, "count %s %s: %d\n", key.Source, key.Reason, status.Rejections[key])
	}
	if status.SaveErrors > 0 {
		fmt.Fprintf(&b, "save errors: %d\n", status.SaveErrors)
	}
	if status.Snapshot != nil && report.Hash != status.Document.Hash {
		b.WriteString("the report shows another hash than what serves\n")
	}
	return b.String()
}

// Each file in testdata is a story: commands, each followed by "----" and the
// expected answer, and an empty line. Lines that begin with "#" tell why.
// Rewrite the answers with -update, and commit only differences that you
// understand.
func TestReloadStories(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := retell(newStory(t), string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// retell runs the commands of a script and puts the answers below them.
func retell(s *story, script string) string {
	var b strings.Builder
	answer := false
	for line := range strings.Lines(script) {
		text := strings.TrimSpace(line)
		switch {
		case text == "":
			answer = false
			b.WriteString("\n")
		case answer || text == "----":
			answer = true
		case strings.HasPrefix(text, "#"):
			b.WriteString(line)
		default:
			b.WriteString(line)
			if said := s.run(text); said != "" {
				b.WriteString("----\n" + said)
			}
		}
	}
	return b.String()
}

func TestWhatServesIsSaved(t *testing.T) {
	s := newStory(t)
	s.run("watch revision=1 routes=a")
	s.run("watch revision=2 routes=b truncated")
	if want := document(t, ownUID, 1, "a"); string(s.saved) != string(want) {
		t.Errorf("saved %s", s.saved)
	}
	s.saved = nil
	s.run("saved revision=3 routes=c")
	if s.saved != nil {
		t.Error("the saved document was saved again")
	}
}

func TestAwaitReport(t *testing.T) {
	s := newStory(t)
	s.run("watch revision=1")
	first := s.c.Report()
	if got := s.c.AwaitReport(t.Context(), first.Sequence+7); got.Sequence != first.Sequence {
		t.Errorf("a reader that is out of step waits")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := s.c.AwaitReport(ctx, first.Sequence); got.Sequence != first.Sequence {
		t.Errorf("got %+v after the wait ended", got)
	}
	got := make(chan proxyconfig.Report)
	go func() { got <- s.c.AwaitReport(t.Context(), first.Sequence) }()
	s.run("watch revision=1")
	s.run("watch revision=2")
	if r := <-got; r.Revision != 2 || r.Sequence != first.Sequence+1 {
		t.Errorf("got %+v", r)
	}
}

func TestSavedConfig(t *testing.T) {
	saved := SavedConfig{Dir: t.TempDir()}
	if o, err := saved.Load(); err != nil || o.Document != nil {
		t.Errorf("empty directory: got %+v, %v", o, err)
	}
	for _, text := range []string{"a longer first document", "second"} {
		if err := saved.Save([]byte(text), nil); err != nil {
			t.Fatal(err)
		}
		if o, err := saved.Load(); err != nil || string(o.Document) != text || o.Source != Saved {
			t.Errorf("got %+v, %v", o, err)
		}
	}
	entries, err := os.ReadDir(saved.Dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := (&SavedConfig{Dir: filepath.Join(saved.Dir, "missing")}).Save(nil, nil); err == nil {
		t.Error("saving into a directory that is not there succeeded")
	}
}

// Who waits for the next report learns of a hostname's trouble, and of its end.
func TestReportTellsOfHostnames(t *testing.T) {
	var problems []proxyconfig.HostnameProblem
	c := New(Options{GatewayUID: ownUID, Registry: balance.NewRegistry(balance.Options{}), Hostnames: func() []proxyconfig.HostnameProblem { return problems }})
	before := c.Report()
	c.Renew()
	if got := c.Report(); got.Sequence != before.Sequence {
		t.Errorf("sequence %d without news, want %d", got.Sequence, before.Sequence)
	}
	problems = []proxyconfig.HostnameProblem{{Hostname: "api.example.net", Port: 443, Reason: proxyconfig.HostnameNotFound}}
	c.Renew()
	if got := c.AwaitReport(t.Context(), before.Sequence); !slices.Equal(got.Hostnames, problems) {
		t.Errorf("got %v, want %v", got.Hostnames, problems)
	}
	before, problems = c.Report(), nil
	c.Renew()
	if got := c.AwaitReport(t.Context(), before.Sequence); len(got.Hostnames) > 0 {
		t.Errorf("got %v, want none any more", got.Hostnames)
	}
}
