// Package overload turns limits and the state of the process into answers to
// two questions: may this connection come in, and how much of its work does the
// proxy leave undone at present.
//
// A Gate counts connections and holds the present Level; drivers and exchanges
// ask it, and it answers with a few atomic reads. A Monitor sets the Level, from
// two signals:
//
//   - memory: what the runtime holds against its limit (GOMEMLIMIT), and what
//     the container uses against that of its cgroup. Garbage is not overload: a
//     collection comes before a step up.
//   - delay: how long a driver's queue keeps what comes last waiting. Only the
//     least of a whole window counts, as a burst or a pause of the whole process
//     is no queue that stands. A busy CPU alone is no overload of a proxy.
//
// The steps, each of which includes those before it:
//
//	StopKeepAlive      connections end after their requests; time limits shrink
//	ShedRequests       new requests are answered 503, connections and sessions below HTTP
//	                   turned away, long hellos broken off; less is read at once
//	RefuseConnections  new connections are closed at once; nothing is read of backends
//
// Memory goes up the steps at once, and each step down takes a time of calm
// below a lower bound, so that levels do not flap. A burst can fill a small
// container between two looks of the Monitor, so that loops take a Glance of
// their own as they come to keep more.
//
// A connection that is over a limit is accepted and reset. Left in the kernel's
// queue it would make its client wait for nothing, and fill the queue for those
// who come when there is room again; a reset has the client, or the balancer in
// front, go elsewhere at once, and leaves nothing behind here.
//
// The package knows nothing of sockets and protocols.
package overload
