// Package simulator stands for the nodes and pods of a fleet that is larger than
// one machine can run.
//
// Its nodes are objects with a heartbeat. The scheduler, the controllers and the
// operator work with them as with any: pods that tolerate the nodes' taint are
// bound to them, get an address and become ready, once the configuration of
// their Gateway is there and decodes. The operator asks each of them on its own
// address what it serves, over TLS, with the fleet's own certificate and token,
// and is answered from what the contract's decoder has made of the ConfigMap.
//
// No traffic goes through a simulated pod, and no pod holds a watch of its own:
// the simulator has one on all ConfigMaps, as it shares the machine with what it
// helps to measure.
package simulator
