// Package attack sends the proxy what brought others down, and measures what it
// costs.
//
//	Attack ─► a process of its own ─► Report: what was sent, what was cut off
//	                 ╎
//	   proxy ◄───────╯ ◄─── a client that behaves ─► its latency
//	     ├─► CPU, memory                backends ─► requests that came through
//	     ╰─► Hostile: a backend that means no good, on threads of its own
//
//	   another proxy  ◄──── another such client ─► what the machine makes of it
//
// The rules are those that the tests state, for both sides: a client that behaves
// notices nothing, memory is bounded, who attacks pays for what it causes, and is
// sent away. What a busy machine does, and an attacker by burning what it has, the
// proxy beside shows that nobody attacks: the rest is what the proxy makes of what
// it is sent. The attacker is a process of its own, at a low priority, so that its
// CPU time can be told from everybody else's.
package attack
