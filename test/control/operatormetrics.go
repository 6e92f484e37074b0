package main

import "context"

// allocatedBytes is what the operator has allocated since its start.
func (b *bench) allocatedBytes(ctx context.Context) (float64, error) {
	reader, err := b.MetricsReader(ctx)
	if err != nil {
		return 0, err
	}
	sample, err := b.OperatorMetrics(ctx, reader)
	if err != nil {
		return 0, err
	}
	return sample.Sum("go_memstats_alloc_bytes_total", nil), nil
}
