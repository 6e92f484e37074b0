// Package config holds the configuration files of the cluster's components
// and of what is installed into the cluster when it starts.
//
// The files are templates over the numbers of package layout; rendering is
// pure and complete: a name that a template does not know is an error.
package config
