// Package fairqueue is the queue of a controller in which namespaces, and so tenants,
// take turns.
//
// A plain queue hands requests out as they come: whoever adds five thousand has all
// others wait behind them, and whoever's requests take long, as a webhook of his is slow,
// has all workers before long. Here the namespace whose turn it is has one request worked
// on, and goes behind the others; a namespace that has half of the workers waits until
// one of its requests is done. What somebody waits for goes before what is only to be
// looked at again, or begins, and finds a worker: what can wait never has all of them.
//
// For two namespaces, of which shop comes after crowd has added a, b and c, with one
// request at a time the order is crowd/a, shop/x, crowd/b, crowd/c.
package fairqueue
