package perf

import (
	"bufio"
	"cmp"
	"debug/elf"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
)

// Symbols names addresses.
type Symbols struct {
	addresses []uint64
	names     []string
}

type symbol struct {
	address uint64
	name    string
}

func newSymbols(all []symbol) *Symbols {
	slices.SortStableFunc(all, func(a, b symbol) int { return cmp.Compare(a.address, b.address) })
	s := &Symbols{}
	for _, one := range all {
		s.addresses, s.names = append(s.addresses, one.address), append(s.names, one.name)
	}
	return s
}

// Name is the function that an address lies in, or a question mark.
func (s *Symbols) Name(address uint64) string {
	i, found := slices.BinarySearch(s.addresses, address)
	if !found {
		i--
	}
	if i < 0 {
		return "?"
	}
	return s.names[i]
}

// ReadBinary reads the functions of an executable that is loaded where it was
// linked to.
func ReadBinary(file string) (*Symbols, error) {
	binary, err := elf.Open(file)
	if err != nil {
		return nil, err
	}
	defer binary.Close()
	table, err := binary.Symbols()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var all []symbol
	for _, s := range table {
		if elf.ST_TYPE(s.Info) == elf.STT_FUNC {
			all = append(all, symbol{s.Value, s.Name})
		}
	}
	return newSymbols(all), nil
}

// ReadKernel reads the kernel's functions.
func ReadKernel() (*Symbols, error) {
	file, err := os.Open("/proc/kallsyms")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return parseKernel(file)
}

// parseKernel reads lines of address, type and name, of which functions have
// the types T and W (proc(5)).
func parseKernel(r io.Reader) (*Symbols, error) {
	var all []symbol
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) < 3 || !strings.Contains("tTwW", fields[1]) {
			continue
		}
		address, err := strconv.ParseUint(fields[0], 16, 64)
		if err != nil {
			return nil, fmt.Errorf("kallsyms: %w", err)
		}
		all = append(all, symbol{address, fields[2]})
	}
	return newSymbols(all), lines.Err()
}
