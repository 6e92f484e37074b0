// Command bundle makes the bundle that OLM installs the operator from:
//
//	kustomize build config/manifests | bundle -version 0.1.0 -out bundle
//
// It reads one stream of rendered objects. The ClusterServiceVersion among them
// holds what only a human can say; the rest of it (deployment, rights, images,
// namespace) is taken from the other objects. What OLM takes as plain manifests
// is written as such. An object that no bundle may hold is an error, never left
// out silently. The same stream gives the same files, whatever the order of its
// objects.
//
// With -digests all images are named by the digests that they have in their
// registries, for clusters that have mirrors alone.
//
// With -check nothing is written: it fails when the files differ from what
// would be.
package main
