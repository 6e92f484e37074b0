// Package probe is the proxy's side of the sensor: it greets the sensor over
// their common socket, tells it what the identifiers in records stand for, and
// hands it a record of every finished request.
//
// There may be no sensor, or one that comes and goes: nothing here fails or
// waits because of it. The proxy needs no capability for any of it.
package probe
