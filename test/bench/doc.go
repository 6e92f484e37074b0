// Command bench measures the shipped proxy beside its peers and writes what it
// found to docs/benchmarks/data-plane.md.
//
// It builds or installs the peers, then runs itself once more in network,
// process and mount namespaces of its own, where the load generator and the
// backend share CPU 0 and the proxy under test has CPU 1 to itself. All proxies
// are started afresh for each round, each with a load of its own, and take turns of
// a tenth of a second, so that what disturbs the machine disturbs all of them alike.
// The figure to trust is the CPU time that a proxy took per request, as the
// scheduler counted it. Latencies and rates come from rounds that load one proxy
// after the other.
//
// With -sensor it measures instead what the sensor costs the proxy, of which some
// with a sensor and some without take turns, and writes docs/benchmarks/sensor.md.
//
// Everything ends with the process namespace, and the network namespace with
// it, however the program ends.
package main
