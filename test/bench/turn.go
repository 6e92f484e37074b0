package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// turnTime is how long a lane is loaded before the next one is. What slows a machine
// down for longer meets all lanes alike.
const turnTime = 100 * time.Millisecond

// spent is what some turns took.
type spent struct {
	cpu, time        time.Duration
	sleeps, requests int
}

// burden is that of a request.
func (s spent) burden() burden {
	n := float64(s.requests)
	return burden{
		cpu:      float64(s.cpu.Nanoseconds()) / 1000 / n,
		sleeps:   1000 * float64(s.sleeps) / n,
		rate:     n / s.time.Seconds(),
		requests: s.requests,
	}
}

// turn loads the lane for a while.
func (l *lane) turn(ctx context.Context) error {
	before, err := l.read(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := l.resume(); err != nil {
		return err
	}
	if err := wait(ctx, turnTime); err != nil {
		return err
	}
	took := time.Since(began)
	if err := l.pause(ctx); err != nil {
		return err
	}
	after, err := l.read(ctx)
	if err != nil {
		return err
	}
	l.spent.cpu += after.cpu - before.cpu
	l.spent.sleeps += after.sleeps - before.sleeps
	l.spent.requests += after.requests - before.requests
	l.spent.time += took
	return nil
}

// read is what the proxy has spent since it was started, and how many requests the
// backend has answered for all lanes. Both stand still while all loads are stopped.
func (l *lane) read(ctx context.Context) (s spent, err error) {
	if s.requests, err = answered(ctx); err != nil {
		return s, err
	}
	if s.sleeps, err = sleeps(l.proxy.pid()); err != nil {
		return s, err
	}
	s.cpu, err = cpuTime(l.proxy.pid())
	return s, err
}

// answered asks the backend how many requests it has answered, questions left out.
func answered(ctx context.Context) (int, error) {
	text, err := get(ctx, "http://"+address(backendPort)+"/count")
	if err != nil {
		return 0, fmt.Errorf("asking the backend: %w", err)
	}
	return strconv.Atoi(text)
}

// found is what the lane's turns were, and what its sensor took. The sensor has to
// have counted all of them.
func (l *lane) found(ctx context.Context) (slice, error) {
	if l.spent.requests == 0 {
		return slice{}, errors.New("no request was answered")
	}
	s := slice{burden: l.spent.burden()}
	if l.sensor == nil {
		return s, nil
	}
	bytes, err := anonymousBytes(l.sensor.pid())
	if err != nil {
		return s, err
	}
	after, took, err := scrapeSensor(ctx, l.sensor, l.sensorPort())
	if err != nil {
		return s, err
	}
	if counted := after.requests - l.before.requests; counted < float64(s.requests) {
		return s, fmt.Errorf("the sensor counted %.0f of %d requests", counted, s.requests)
	}
	s.mode, s.memory, s.scrape = after.mode, float64(bytes), took
	return s, nil
}
