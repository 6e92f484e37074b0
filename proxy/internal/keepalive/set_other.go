//go:build !linux

package keepalive

import (
	"net"
	"time"
)

// Elsewhere package net knows how connections are asked.
const inherited = time.Duration(0)

var own = net.KeepAliveConfig{Enable: true, Idle: Idle, Interval: Interval, Count: Count}

// Set sets all options of a TCP socket. Here there is none.
func Set(int) error { return nil }

// Lift takes back the UserTimeout of a socket. Here there is none.
func Lift(int) error { return nil }

func ask(int) error { return nil }
