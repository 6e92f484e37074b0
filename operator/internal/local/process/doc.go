// Package process keeps child processes running: each is started again with a
// growing pause when it ends, and asked to stop, awaited and at last killed
// when it is no longer wanted.
//
// No child outlives its parent, not even one that was killed: the kernel sends
// each a SIGTERM when the thread that started it ends, which is why one thread
// starts them all. Children are in process groups of their own, so that a
// Ctrl-C in the terminal reaches the parent alone, which then stops them in
// order. The package knows nothing of what it runs.
package process
