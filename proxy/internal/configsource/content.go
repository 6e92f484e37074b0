package configsource

import (
	"sync"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// content is an encoded document, which is decoded once, whoever asks for it first: the
// lane that looks which parts it names, or the Coordinator. It is safe for concurrent use.
type content struct {
	data []byte

	once     sync.Once
	document *proxyconfig.Document
	config   *proxyconfig.Config
	warnings proxyconfig.Warnings
	err      error
}

// decode returns what proxyconfig.DecodeAfter does: what came before may be nil. The
// document is without its Config, and neither may be changed.
func (c *content) decode(before *proxyconfig.Config) (*proxyconfig.Document, *proxyconfig.Config, proxyconfig.Warnings, error) {
	c.once.Do(func() {
		c.document, c.config, c.warnings, c.err = proxyconfig.DecodeAfter(c.data, before)
		if c.document != nil {
			// The raw bytes are in config already; two copies of a big one matter.
			c.document.Config = nil
		}
	})
	return c.document, c.config, c.warnings, c.err
}
