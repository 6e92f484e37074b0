package main

import (
	"context"
	"fmt"
	"time"

	"github.com/fleetgate/fleetgate/test/internal/measure"
	"github.com/fleetgate/fleetgate/test/internal/stack"
)

// bench is what the sections work with.
type bench struct {
	*stack.Stack
	options
	commit  string
	machine measure.Machine
}

// section is one measurement.
type section struct {
	name, title string
	// about says how it is measured, and flags which of the options matter.
	about string
	flags func(options) string
	// limit bounds the measurement.
	limit   func(options) time.Duration
	measure func(context.Context, *bench) ([]figure, error)
}

func sections() []section {
	return []section{
		attachedSection(), propagationSection(), changeSection(), failoverSection(), churnSection(), listenerSetsSection(),
	}
}

// measure measures a section and enters it in the document.
func (b *bench) measure(ctx context.Context, s section) error {
	ctx, cancel := context.WithTimeout(ctx, s.limit(b.options))
	defer cancel()
	fmt.Printf("── measure: %s\n", s.title)
	start, load := time.Now(), measure.LoadAverage()
	figures, err := s.measure(ctx, b)
	if err != nil {
		return err
	}
	text := s.text(b, load, figures)
	fmt.Printf("%s   %.1f s\n", text, time.Since(start).Seconds())
	if b.out == "" {
		return nil
	}
	return enter(b.out, s.title, text)
}
