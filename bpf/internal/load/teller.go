package load

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/fleetgate/fleetgate/api/probe/v1"
	"github.com/fleetgate/fleetgate/bpf"
)

// The programs that tell what was counted.
const (
	tellCells    = "tell_cells"
	tellOutcomes = "tell_outcomes"
)

var errNotTold = errors.New("the kernel tells nothing of cells that it was asked for")

// teller has programs of the kernel's tell what was counted. They leave out what is
// zero, where reading an entry of a map locks its bucket and copies all of it, twice.
type teller struct {
	ofCells, ofOutcomes *ebpf.Program

	// mu is held by who asks.
	mu sync.Mutex
	// asked, parts and endings are memory that is shared with the programs.
	asked   []uint64
	parts   []bpf.L7Part
	endings []bpf.L7Ending
	// cell is put together of parts.
	cell probe.Cell
}

// newTeller returns nil where the kernel has no such programs, or refuses them.
func newTeller(loaded *ebpf.Collection) *teller {
	t := &teller{ofCells: loaded.Programs[tellCells], ofOutcomes: loaded.Programs[tellOutcomes]}
	if t.ofCells == nil || t.ofOutcomes == nil {
		return nil
	}
	var errs [5]error
	t.asked, errs[0] = mapped[uint64](loaded.Maps["asked"])
	t.parts, errs[1] = mapped[bpf.L7Part](loaded.Maps["parts"])
	t.endings, errs[2] = mapped[bpf.L7Ending](loaded.Maps["endings"])
	_, errs[3] = run(t.ofCells, bpf.L7Request{})
	_, errs[4] = run(t.ofOutcomes, bpf.L7Request{})
	if errors.Join(errs[:]...) != nil {
		t.close()
		return nil
	}
	return t
}

// mapped returns the memory of an array map.
func mapped[T any](m *ebpf.Map) ([]T, error) {
	size := int(m.MaxEntries() * m.ValueSize())
	memory, err := unix.Mmap(m.FD(), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("mapping map %s: %w", m, err)
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&memory[0])), size/int(unsafe.Sizeof(*new(T)))), nil
}

func (t *teller) close() error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	err := errors.Join(unmap(t.asked), unmap(t.parts), unmap(t.endings))
	t.asked, t.parts, t.endings = nil, nil, nil
	return err
}

func unmap[T any](memory []T) error {
	if memory == nil {
		return nil
	}
	return unix.Munmap(unsafe.Slice((*byte)(unsafe.Pointer(&memory[0])), len(memory)*int(unsafe.Sizeof(memory[0]))))
}

// cells calls fn for the cells among ids that have counted something.
func (t *teller) cells(ids []uint32, backends bool, fn func(uint32, *probe.Cell)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(ids) > 0 {
		request := bpf.L7Request{Asked: uint32(min(len(ids), len(t.asked)))}
		for i, id := range ids[:request.Asked] {
			t.asked[i] = uint64(id)
		}
		if backends {
			request.Backends = 1
		}
		answer, err := run(t.ofCells, request)
		if err != nil {
			return err
		}
		if answer.Told == 0 {
			return errNotTold
		}
		t.assemble(t.parts[:answer.Parts], fn)
		ids = ids[answer.Told:]
	}
	return nil
}

// outcomes calls fn for each way in which requests ended.
func (t *teller) outcomes(fn func(probe.Outcome, uint64)) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	answer, err := run(t.ofOutcomes, bpf.L7Request{})
	if err != nil {
		return err
	}
	for _, e := range t.endings[:min(int(answer.Told), len(t.endings))] {
		fn(probe.Outcome(e.Outcome), e.Times)
	}
	return nil
}

func run(program *ebpf.Program, r bpf.L7Request) (answer bpf.L7Request, err error) {
	if _, err := program.Run(&ebpf.RunOptions{Context: r, ContextOut: &answer}); err != nil {
		return answer, fmt.Errorf("asking %s: %w", program, err)
	}
	return answer, nil
}

// assemble calls fn for each of the cells whose parts these are, one cell's after the
// other's.
func (t *teller) assemble(parts []bpf.L7Part, fn func(uint32, *probe.Cell)) {
	words := unsafe.Slice((*uint64)(unsafe.Pointer(&t.cell)), unsafe.Sizeof(t.cell)/8)
	for len(parts) > 0 {
		n := 0
		for ; n < len(parts) && parts[n].Id == parts[0].Id; n++ {
			copy(words[parts[n].Place:], parts[n].Word[:])
		}
		fn(parts[0].Id, &t.cell)
		for i := range parts[:n] {
			clear(words[parts[i].Place:][:len(parts[i].Word)])
		}
		parts = parts[n:]
	}
}
