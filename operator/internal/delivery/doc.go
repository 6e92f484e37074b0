// Package delivery stores what a fleet's proxies read: the rendered
// configuration in a ConfigMap, the listeners' certificates in numbered
// Secrets, and the credentials of the proxies' admin port in one more.
//
// These objects change often or carry bytes that nobody merges, so they are
// written as a whole, by plain updates that are bound to the version that was
// looked at. Like everything of a fleet they belong to their Gateway by its UID;
// an object that does not is left alone and reported as a conflict.
//
// The package does not know what a configuration means, and not who reads it.
package delivery
