package probe

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"

	probev1 "github.com/fleetgate/fleetgate/api/probe/v1"
)

var errNotATable = errors.New("what the sensor shares is not a table")

// memory is the place where requests are counted when the sensor cannot attach
// to the probe function. Only the client's goroutine enters and leaves;
// observers read.
type memory struct {
	current atomic.Pointer[probev1.Table]
	// base is where tables are mapped. Each new one replaces the one before
	// at the same address, so that an observer that is writing never writes
	// to where nothing is.
	base unsafe.Pointer
}

// enter maps the sensor's table. The file can be closed afterwards.
func (m *memory) enter(file *os.File) error {
	fd := int(file.Fd())
	if err := checkTable(fd); err != nil {
		return err
	}
	flags := unix.MAP_SHARED
	if m.base != nil {
		flags |= unix.MAP_FIXED
	}
	base, err := unix.MmapPtr(fd, 0, m.base, uintptr(probev1.TableSize), unix.PROT_READ|unix.PROT_WRITE, flags)
	if err != nil {
		return fmt.Errorf("mapping the sensor's table: %w", err)
	}
	m.base = base
	m.current.Store(probev1.TableAt(unsafe.Slice((*byte)(base), probev1.TableSize)))
	return nil
}

// leave ends the counting here. The mapping stays for observers that are in the
// middle of it.
func (m *memory) leave() { m.current.Store(nil) }

// checkTable makes sure that the file holds a table, and that it stays as large:
// writing behind the end of a file that is cut short kills the process.
func checkTable(fd int) error {
	var stat unix.Stat_t
	if err := unix.Fstat(fd, &stat); err != nil {
		return fmt.Errorf("looking at the sensor's table: %w", err)
	}
	seals, err := unix.FcntlInt(uintptr(fd), unix.F_GET_SEALS, 0)
	if err != nil {
		return fmt.Errorf("%w: %w", errNotATable, err)
	}
	var magic [8]byte
	if _, err := unix.Pread(fd, magic[:], 0); err != nil {
		return fmt.Errorf("reading the sensor's table: %w", err)
	}
	if stat.Size < int64(probev1.TableSize) || seals&unix.F_SEAL_SHRINK == 0 ||
		binary.NativeEndian.Uint64(magic[:]) != probev1.TableMagic {
		return errNotATable
	}
	return nil
}
