// Package node is what a sensor and the agent of its node say to each other:
// frames over a connection by TLS, in which every request of the sensor has one
// answer. It opens no connection, and trusts nobody: sizes are bounded before
// anything is read.
package node
