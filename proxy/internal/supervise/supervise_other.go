//go:build !linux

package supervise

import (
	"context"
	"errors"

	"github.com/go-logr/logr"

	"github.com/fleetgate/fleetgate/proxy/internal/custody"
)

var errLinux = errors.New("supervision needs Linux")

// Run returns an error: sockets are passed on in Linux's way.
func Run(context.Context, Options) (int, error) { return 0, errLinux }

// Worker returns false.
func Worker() (before int, ok bool) { return 0, false }

// Sockets returns an error.
func Sockets(logr.Logger) (custody.Sockets, error) { return nil, errLinux }
