package snapshot

import (
	"reflect"

	"github.com/fleetgate/fleetgate/api/proxyconfig/v1"
)

// compileSettings takes the settings over from the snapshot before where they are the
// same, so that who follows them compares pointers.
func (c *compiler) compileSettings() {
	s := proxyconfig.ValidSettings(c.in.Config, c.refuse)
	c.out.Settings = &s
	if before := c.in.Previous; before != nil && reflect.DeepEqual(before.Settings, &s) {
		c.out.Settings = before.Settings
	}
}
