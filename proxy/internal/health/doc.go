// Package health asks endpoints how they are, beside the requests of users: it
// runs the active checks that a backend's policy wants, and finds out whether an
// ejected endpoint may be readmitted.
//
// A Checker turns what the Clusters of a balance.Registry need into probes that
// fall due, and the results of probes into balance.Endpoint.SetHealthy, Readmit
// and Failed. One goroutine keeps the time; it sleeps while nothing is checked
// and nothing is ejected. A probe has a goroutine of its own for as long as it
// takes, and few run at one time.
//
// The application makes one Checker with the Registry and the clock of the
// engine, and runs it until it shuts down:
//
//	checker := health.New(health.Options{Registry: registry, Now: now})
//	go checker.Run(ctx)
//
// The package knows nothing of requests, routes or snapshots. It dials only
// addresses that the Registry permits.
package health
