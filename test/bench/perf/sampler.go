package perf

import (
	"encoding/binary"
	"fmt"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Sample is where a CPU was at one moment.
type Sample struct {
	PID     int
	Address uint64
	// Kernel says that the address is one of the kernel's.
	Kernel bool
}

// bufferPages hold some ten thousand samples; what comes when they are full is
// lost.
const bufferPages = 64

// Sampler samples a CPU.
type Sampler struct {
	file   int
	memory []byte
}

// NewSampler begins to sample a CPU so many times in a second while it is not
// idle. The caller closes what it gets.
func NewSampler(cpu int, frequency uint64) (*Sampler, error) {
	attributes := &unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Size: unix.PERF_ATTR_SIZE_VER5,
		Sample: frequency, Sample_type: unix.PERF_SAMPLE_IP | unix.PERF_SAMPLE_TID,
		Bits: unix.PerfBitFreq | unix.PerfBitExcludeIdle,
	}
	file, err := unix.PerfEventOpen(attributes, -1, cpu, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("sampling CPU %d: perf_event_open: %w", cpu, err)
	}
	memory, err := unix.Mmap(file, 0, (1+bufferPages)*os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		unix.Close(file)
		return nil, fmt.Errorf("sampling CPU %d: mmap: %w", cpu, err)
	}
	return &Sampler{file, memory}, nil
}

// Samples returns what was sampled so far. It is called once.
func (s *Sampler) Samples() []Sample {
	head := (*unix.PerfEventMmapPage)(unsafe.Pointer(&s.memory[0]))
	filled := atomic.LoadUint64(&head.Data_head)
	data := s.memory[os.Getpagesize():]
	return parseSamples(data[:min(filled, uint64(len(data)))])
}

// Close ends the sampling.
func (s *Sampler) Close() {
	// Nothing is lost with samples that have been read.
	_ = unix.Munmap(s.memory)
	_ = unix.Close(s.file)
}

// The layout of records (perf_event_open(2)): type, misc and size; in samples
// then address, process and thread.
const (
	recordHead = 8
	sampleSize = recordHead + 8 + 4 + 4
)

func parseSamples(data []byte) []Sample {
	var samples []Sample
	order := binary.NativeEndian
	for len(data) >= recordHead {
		kind, misc, size := order.Uint32(data), order.Uint16(data[4:]), int(order.Uint16(data[6:]))
		if size < recordHead || size > len(data) {
			break
		}
		if kind == unix.PERF_RECORD_SAMPLE && size >= sampleSize {
			samples = append(samples, Sample{
				PID:     int(order.Uint32(data[recordHead+8:])),
				Address: order.Uint64(data[recordHead:]),
				Kernel:  misc&unix.PERF_RECORD_MISC_CPUMODE_MASK == unix.PERF_RECORD_MISC_KERNEL,
			})
		}
		data = data[size:]
	}
	return samples
}
