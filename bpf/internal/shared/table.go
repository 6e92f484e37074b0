package shared

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
)

// Table is a probe.Table in a file without a name. It is safe for concurrent
// use, but for Close.
type Table struct {
	file   *os.File
	memory []byte
	table  *probe.Table
}

// New makes an empty table. Its size is sealed: a proxy that cut it short
// could otherwise crash whoever reads behind the end.
func New() (*Table, error) {
	fd, err := unix.MemfdCreate("fleetgate-probe", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING|unix.MFD_NOEXEC_SEAL)
	if err == unix.EINVAL {
		// Kernels before 6.3 do not know of the seal on execution.
		fd, err = unix.MemfdCreate("fleetgate-probe", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	}
	if err != nil {
		return nil, fmt.Errorf("making shared memory: %w", err)
	}
	t := &Table{file: os.NewFile(uintptr(fd), "fleetgate-probe")}
	if err := t.prepare(fd); err != nil {
		t.file.Close()
		return nil, err
	}
	return t, nil
}

func (t *Table) prepare(fd int) error {
	if err := unix.Ftruncate(fd, int64(probe.TableSize)); err != nil {
		return fmt.Errorf("sizing shared memory: %w", err)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW|unix.F_SEAL_SEAL); err != nil {
		return fmt.Errorf("sealing shared memory: %w", err)
	}
	var err error
	t.memory, err = unix.Mmap(fd, 0, probe.TableSize, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return fmt.Errorf("mapping shared memory: %w", err)
	}
	t.table = probe.TableAt(t.memory)
	t.table.Magic = probe.TableMagic
	return nil
}

// File is what the proxy maps. It stays the table's.
func (t *Table) File() *os.File { return t.file }

// Close frees the memory. The proxy's mapping of it stays valid.
func (t *Table) Close() error {
	if err := unix.Munmap(t.memory); err != nil {
		return fmt.Errorf("unmapping shared memory: %w", err)
	}
	return t.file.Close()
}

// Reset forgets everything that was counted, and frees the memory that it took.
func (t *Table) Reset() error {
	const hole = unix.FALLOC_FL_PUNCH_HOLE | unix.FALLOC_FL_KEEP_SIZE
	if err := unix.Fallocate(int(t.file.Fd()), hole, 0, int64(probe.TableSize)); err != nil {
		return fmt.Errorf("clearing shared memory: %w", err)
	}
	t.table.Magic = probe.TableMagic
	return nil
}

// Clear forgets the series and backends that gone says are no more.
func (t *Table) Clear(series, backend func(id uint32) bool) error {
	t.table.Clear(series, backend)
	return nil
}

// Outcomes calls fn for each way in which requests ended.
func (t *Table) Outcomes(fn func(probe.Outcome, uint64)) error {
	for o, n := range t.table.Outcomes() {
		fn(o, n)
	}
	return nil
}

// Series calls fn for each of the series. The cell is valid only during the call.
// Reading one that has counted nothing makes the kernel find memory for it.
func (t *Table) Series(ids []uint32, fn func(id uint32, c *probe.Cell)) error {
	each(ids, t.table.ReadSeries, fn)
	return nil
}

// Backends is Series for backends.
func (t *Table) Backends(ids []uint32, fn func(id uint32, c *probe.Cell)) error {
	each(ids, t.table.ReadBackend, fn)
	return nil
}

// Counter returns one of the counters of what could not be counted properly.
func (t *Table) Counter(c probe.Counter) (uint64, error) { return t.table.Counter(c), nil }

func each(ids []uint32, read func(uint32, *probe.Cell), fn func(uint32, *probe.Cell)) {
	var c probe.Cell
	for _, id := range ids {
		read(id, &c)
		fn(id, &c)
	}
}
