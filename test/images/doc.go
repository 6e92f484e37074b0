// Package images builds container images from static binaries, from scratch
// and without a container engine.
//
// An image is a pure function of its Spec: the same files give the same
// digest on every machine and at every time. Each image has one layer, with
// the named files, /etc/passwd and /etc/group that know root and nonroot, and
// an empty /tmp. Archives hold uncompressed layers, as they are only carried
// from one folder to another on one machine.
package images
