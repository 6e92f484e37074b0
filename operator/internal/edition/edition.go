package edition

import proxyconfig "github.com/fleetgate/fleetgate/api/proxyconfig/v1"

// Edition is one state of a configuration. Two that are the same pointer are the same
// configuration. It is not safe for concurrent use.
type Edition struct {
	before  *Edition
	differs *proxyconfig.Config
}

// New returns an edition of which nobody knows how it differs from others.
func New() *Edition { return &Edition{} }

// Next returns the edition after e. What differs are the items that are gone, new, or
// others than in e: all listeners if any of them is, and of routes and backends at least
// what identifies them.
func (e *Edition) Next(differs *proxyconfig.Config) *Edition {
	// Only the last step is remembered, or all editions ever made would be.
	e.before, e.differs = nil, nil
	return &Edition{before: e, differs: differs}
}

// Since returns what differs between an earlier edition and e, and nil where that is
// not known. Neither has to be there.
func (e *Edition) Since(before *Edition) *proxyconfig.Config {
	if e == nil || before == nil || e.before != before {
		return nil
	}
	return e.differs
}
