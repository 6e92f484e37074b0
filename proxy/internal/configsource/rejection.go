package configsource

import (
	"errors"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// reject records a document that was refused. d is nil when it did not decode.
func (c *Coordinator) reject(lane Source, d *proxyconfig.Document, err error) {
	r := &proxyconfig.Rejection{Source: string(lane), Reason: err.Error()}
	if d != nil {
		r.Revision = d.Revision
	}
	if before := c.rejected[lane]; before != nil && *before == *r && errors.Is(err, proxyconfig.ErrIncomplete) {
		return // It has been looked at again.
	}
	c.rejected[lane] = r
	c.state.Rejections[RejectionKey{lane, reasonOf(err)}]++
	c.options.Log.Error(err, "Refused configuration", "source", lane, "revision", r.Revision)
}

// newest returns the rejection of the highest revision; of equal ones that of
// the watched lane.
func newest(rejected map[Source]*proxyconfig.Rejection) *proxyconfig.Rejection {
	var out *proxyconfig.Rejection
	for _, lane := range []Source{Watch, Mount, Saved} {
		if r := rejected[lane]; r != nil && (out == nil || r.Revision > out.Revision) {
			out = r
		}
	}
	return out
}

// reasonOf is the word for an error in the metrics.
func reasonOf(err error) string {
	for _, known := range []struct {
		err  error
		word string
	}{
		{proxyconfig.ErrMalformed, "malformed"},
		{proxyconfig.ErrSchema, "schema"},
		{proxyconfig.ErrRequires, "requires"},
		{proxyconfig.ErrHash, "hash"},
		{proxyconfig.ErrIncomplete, "incomplete"},
		{errGateway, "gateway"},
		{errStale, "stale"},
		{errConflict, "conflict"},
	} {
		if errors.Is(err, known.err) {
			return known.word
		}
	}
	return "internal"
}

// Reasons are the words that RejectionKey.Reason may have.
func Reasons() []string {
	return []string{"malformed", "schema", "requires", "hash", "incomplete", "gateway", "stale", "conflict", "internal"}
}
