// Package attack sends the proxy what brought others down, and measures what it
// costs.
//
//	Attack ─► a process of its own ─► Report: what was sent, what was cut off
//	                 ╎
//	   proxy ◄───────╯ ◄─── a client that behaves ─► its latency
//	     ╰─► CPU, memory                 backend ─► requests that came through
//
// The rules are those that the tests state: a client that behaves notices
// nothing, memory is bounded, an attacker pays for what it causes, and is sent
// away. The attacker is a process of its own, at a low priority: its CPU
// time can be told from everybody else's, and what it takes from the proxy it
// takes by what it sends, not by what it burns.
package attack
