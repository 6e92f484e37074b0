package overload

import (
	"errors"
	"syscall"
)

// OutOfFiles reports whether an error says that there is no descriptor to be
// had, which is nobody else's fault.
func OutOfFiles(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE)
}
