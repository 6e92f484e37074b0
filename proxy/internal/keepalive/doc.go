// Package keepalive has the kernel find out whether the other side of a TCP
// connection is still there, where nobody says that it has gone: a node without
// power sends no FIN. It sets options of sockets, and knows nothing of what is
// said on them.
//
// On Linux a connection that was accepted has the options of the socket that it
// came in by, so that a listener is told once and no connection costs a call.
package keepalive
