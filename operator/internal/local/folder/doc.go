// Package folder turns a folder of YAML files into Gateway API objects: it
// does for local mode what an API server does for a cluster.
//
// Every *.yaml and *.yml file directly in the folder may hold several
// documents. Each document is decoded strictly and gets what an API server
// would have added: the namespace "default", the defaults of the resource's
// schema, a UID, a generation that grows with the spec, and the time at which
// the object was first seen.
//
// A document that cannot be read is a Problem that names file, document and
// field. It disturbs nothing beside it: the other documents apply, and no
// object that the file held before is taken away as long as the file has such
// a document, so that a typing mistake never removes a route that serves.
//
// Two things that an API server does are left out: the validation rules of the
// custom resources (CEL expressions, patterns, bounds) are not evaluated, and
// a Service gets no EndpointSlices by itself. The package knows nothing of
// what the objects mean.
package folder
