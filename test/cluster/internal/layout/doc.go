// Package layout holds the names, numbers and folders that all parts of the
// test cluster agree on. It does nothing.
//
// Two views of the same folders exist. Outside, everything lies under the
// user's cache folder (Layout). Inside the cluster's mount namespace the same
// folders appear at fixed paths (the In... constants), which is why none of
// the components' configuration depends on the machine.
package layout
