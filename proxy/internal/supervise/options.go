package supervise

import (
	"io"
	"time"

	"github.com/go-logr/logr"
)

// Options are what Run needs.
type Options struct {
	// Path is the worker's executable. Args are its arguments, its name first.
	Path string
	Args []string
	// Out and Err take what the worker writes.
	Out, Err io.Writer
	// FirstPause is that before the second restart, as the first is done at once; it
	// doubles up to LastPause. A worker that has run for Steady begins anew.
	FirstPause, LastPause, Steady time.Duration
	// Most is how many workers may crash in a row before Run gives up.
	Most int
	Log  logr.Logger
}
