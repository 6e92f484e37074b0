// Package remote has the agent of the node count connections, in place of
// programs of the sensor's own: it keeps a session with the agent, tells it the
// addresses of backends and reads the flows of the own pod.
//
// The agent may be away at any time. What is attached then says so, and it is
// tried again for as long as the process runs. The tests are beside the agent, as
// it takes one.
package remote
