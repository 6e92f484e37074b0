package configsource

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
	"github.com/fleetgate/fleetgate/proxy/internal/balance"
	"github.com/fleetgate/fleetgate/proxy/internal/snapshot"
)

// Options of a Coordinator.
type Options struct {
	// GatewayUID is the Gateway that the proxy belongs to. Documents of another
	// one are refused.
	GatewayUID string
	Registry   *balance.Registry
	// SessionSecret returns what the keys of sessions are derived from. It is asked
	// for each configuration; nil has none.
	SessionSecret func() []byte
	// Apply makes a snapshot the one that serves, and returns what could not be
	// started, such as a port that is taken.
	Apply func(*snapshot.Snapshot) []proxyconfig.RefusedItem
	// Hostnames returns what the report tells of the names of external backends; nil
	// tells nothing. See Renew.
	Hostnames func() []proxyconfig.HostnameProblem
	// Retry is how often what could not be started is tried again; zero means
	// every two seconds.
	Retry time.Duration
	// Save keeps the document that serves for the next start of the process, with
	// its parts by key. Those without bytes are what was saved before. Nil keeps
	// nothing.
	Save func(document []byte, parts map[string][]byte) error
	Now  func() time.Time
	Log  logr.Logger
}

// Coordinator decides which configuration is served. Observe and Run belong to
// one goroutine; the other methods are safe for concurrent use.
type Coordinator struct {
	options Options
	board   *board

	// What serves; nil before the first configuration.
	document *proxyconfig.Document
	serving  *snapshot.Snapshot
	// parts are those of what serves.
	parts atomic.Pointer[proxyconfig.Fragments]

	// unstarted is how many items of what serves could not be started.
	unstarted int

	certificates *certificates
	// seen holds what was last seen of each lane, so that a lane that repeats
	// itself is cheap, and a rejection is counted once.
	seen map[Source][sha256.Size]byte
	// rejected holds the lanes whose newest document is a refused one.
	rejected map[Source]*proxyconfig.Rejection
	state    Status
}

// New returns a Coordinator that serves nothing yet.
func New(o Options) *Coordinator {
	if o.Retry == 0 {
		o.Retry = 2 * time.Second
	}
	c := &Coordinator{
		options:      o,
		board:        newBoard(o.GatewayUID, o.Hostnames),
		certificates: &certificates{},
		seen:         map[Source][sha256.Size]byte{},
		rejected:     map[Source]*proxyconfig.Rejection{},
	}
	c.state.Rejections = map[RejectionKey]uint64{}
	return c
}

// Run handles observations until ctx ends.
func (c *Coordinator) Run(ctx context.Context, observations <-chan Observation) {
	retry := time.NewTicker(c.options.Retry)
	defer retry.Stop()
	for {
		// A process in which all has been started is not woken for it.
		var again <-chan time.Time
		if c.unstarted > 0 {
			again = retry.C
		}
		select {
		case <-ctx.Done():
			return
		case o := <-observations:
			c.Observe(o)
		case <-again:
			c.startRest()
		}
	}
}

// startRest applies the snapshot that serves once more, if something of it could
// not be started: a port may be free by now.
func (c *Coordinator) startRest() {
	if c.unstarted == 0 {
		return
	}
	compiled := c.state.refused[:len(c.state.refused)-c.unstarted]
	c.start(compiled, c.serving)
	c.publish()
}

// start makes a snapshot serve, and records what was refused of it.
func (c *Coordinator) start(compiled []proxyconfig.RefusedItem, s *snapshot.Snapshot) {
	unstarted := c.options.Apply(s)
	c.unstarted = len(unstarted)
	c.state.refused = slices.Concat(compiled, unstarted)
}

// Observe takes in what a lane sees, and applies it where it is newer than what
// serves.
func (c *Coordinator) Observe(o Observation) {
	before := c.certificates
	c.certificates = before.with(o.Source, o.Certificates)
	changed, applied := c.certificates != before, c.observeDocument(o)
	if changed && !applied && c.serving != nil {
		if err := c.try(c.document, c.config()); err != nil {
			c.reject(o.Source, c.document, err)
		}
	}
	c.publish()
}

// observeDocument says whether the document was applied.
func (c *Coordinator) observeDocument(o Observation) bool {
	if o.Document == nil {
		// A document that is gone changes nothing for what serves.
		delete(c.seen, o.Source)
		delete(c.rejected, o.Source)
		return false
	}
	sum := sha256.Sum256(o.Document)
	if c.seen[o.Source] == sum {
		return false
	}
	c.seen[o.Source] = sum
	if o.content == nil {
		o.content = &content{data: o.Document}
	}
	d, config, warnings, err := o.content.decode(c.config())
	if err == nil {
		err = c.check(o.Source, d)
	}
	if errors.Is(err, errNothingNew) {
		delete(c.rejected, o.Source)
		return false
	}
	var whole parted
	if err == nil {
		whole, err = gather(config, c.config(), c.fragments(), o.Part)
	}
	if err == nil {
		err = c.try(d, whole.config)
	}
	if err != nil {
		c.reject(o.Source, d, err)
		c.awaitParts(o, err)
		return false
	}
	c.parts.Store(&whole.fragments)
	warnings.UnknownFields += whole.warnings.UnknownFields
	c.accept(o, warnings, whole.kept())
	return true
}

// config is the configuration that serves, or nil.
func (c *Coordinator) config() *proxyconfig.Config {
	if c.serving == nil {
		return nil
	}
	return c.serving.Config
}

// awaitParts has a document whose parts are not there looked at again: they may
// come without another one.
func (c *Coordinator) awaitParts(o Observation, err error) {
	if !errors.Is(err, proxyconfig.ErrIncomplete) {
		return
	}
	delete(c.seen, o.Source)
	if o.Missed != nil {
		o.Missed()
	}
}

// The reasons for which a document that decodes is refused or passed over.
var (
	errGateway    = errors.New("the document belongs to another Gateway")
	errStale      = errors.New("the document is older than the one that serves")
	errConflict   = errors.New("the document has the revision that serves and another content")
	errPanic      = errors.New("compiling the document failed")
	errNothingNew = errors.New("nothing new")
)

// check compares a sound document with what serves. That the watched lane goes
// back is worth a complaint; the mounted one lags behind as a rule.
func (c *Coordinator) check(lane Source, d *proxyconfig.Document) error {
	if d.Gateway.UID != c.options.GatewayUID {
		return fmt.Errorf("%w: %q", errGateway, d.Gateway.UID)
	}
	switch {
	case c.document == nil || d.Revision > c.document.Revision:
		return nil
	case d.Revision < c.document.Revision && lane == Watch:
		return fmt.Errorf("%w: revision %d, serving %d", errStale, d.Revision, c.document.Revision)
	case d.Revision == c.document.Revision && d.Hash != c.document.Hash:
		return fmt.Errorf("%w: revision %d", errConflict, d.Revision)
	}
	return errNothingNew
}

// try applies a configuration, and turns a panic while compiling, which would
// be a defect of ours, into an error: traffic must not end with it.
func (c *Coordinator) try(d *proxyconfig.Document, config *proxyconfig.Config) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	c.apply(d, config)
	return nil
}

// apply compiles a configuration with the certificates at hand and makes it the
// one that serves.
func (c *Coordinator) apply(d *proxyconfig.Document, config *proxyconfig.Config) {
	in := snapshot.Input{
		Document:     d,
		Config:       config,
		Certificates: c.certificates,
		Registry:     c.options.Registry,
		Previous:     c.serving,
	}
	if c.options.SessionSecret != nil {
		in.SessionSecret = c.options.SessionSecret()
	}
	s, refused := snapshot.Compile(in)
	c.start(refused, s)
	s.Commit()
	c.document, c.serving = d, s
}

// accept records that a document was applied. A newer configuration that works
// makes up for whatever was refused before it.
func (c *Coordinator) accept(o Observation, w proxyconfig.Warnings, parts map[string][]byte) {
	clear(c.rejected)
	c.state.Reloads++
	c.state.LastSuccess = c.options.Now()
	c.state.UnknownFields = w.UnknownFields
	c.options.Log.V(1).Info("Applied configuration", "source", o.Source, "revision", c.document.Revision,
		"hash", c.document.Hash, "refusedItems", len(c.state.refused), "unknownFields", w.UnknownFields)
	if o.Source == Saved || c.options.Save == nil {
		return
	}
	if err := c.options.Save(o.Document, parts); err != nil {
		c.state.SaveErrors++
		c.options.Log.Error(err, "Kept no copy of the configuration")
	}
}

// publish makes the state visible to reports and metrics.
func (c *Coordinator) publish() {
	s := c.state
	s.Document = c.document
	s.Snapshot = c.serving
	s.LastReloadOK = c.serving != nil && len(c.rejected) == 0
	s.rejected = newest(c.rejected)
	c.board.publish(s)
}
