// Package filter turns the filters of a rule, or of its reference to a backend,
// into compiled steps that a request runs without allocating: edits of header
// fields, redirects, rewrites, CORS, mirrors and external authorization. Each
// step is a function of bytes; none knows of connections or of who calls it.
//
// The order is fixed, whatever that of the rule is. CORS comes first, as a
// browser's preflight brings no credentials. External authorization follows: it
// sees the request as the client sent it, and what it denies is neither
// redirected nor mirrored, and never rewritten. Rewrites and edits change what
// it has allowed, the fields that it has set included; mirrors copy the result.
//
// # Adding a filter
//
//  1. Give it a FilterType and a field of Filter in api/proxyconfig/v1, and a
//     case in that package's validateFilter, which refuses the rule where it is
//     not sound.
//  2. Write its compiled form in a file of its own here: a type, and a function
//     that makes it out of the contract's.
//  3. Add a field to Chain and a case to Chain.add. This is the one place that
//     knows all filters; a type without a case is refused and never left out.
//  4. Carry the field from the Chain into snapshot.Rule, in that package's
//     compiledRoute.fill, and run the step where the engine handles the request
//     or the response.
package filter
