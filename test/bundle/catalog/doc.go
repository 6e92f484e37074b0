// Command catalog makes a file-based catalog with one version of the operator in
// it, from the bundle and the name that the bundle's image has:
//
//	catalog -bundle bundle -image fleetgate.io/bundle:v0.1.0 -o catalog.yaml
//
// The edges of the upgrade graph are said here, as a catalog's are the truth and a
// bundle's are not read: -replaces names the version before, -skip-range all those
// that may be upgraded at once. With -image-out it also writes the catalog's image,
// which holds nothing but the file: OLM v1 reads that, and OLM v0 where the
// CatalogSource says extractContent.
package main
