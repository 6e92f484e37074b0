// Package apply brings the objects of one Gateway's fleet into the state that
// was rendered for them, and removes those that are not wanted any more.
//
// It never touches what is not the Gateway's own. Ownership is a controller
// ownerReference with the Gateway's UID, nothing else: neither a name nor a
// label makes an object ours. So the first write of an object is a Create, and
// an object that stands in its place is reported as a Conflict and left alone.
// Later writes are server-side applies that carry the object's UID, after a
// look at the object itself and not at a cache; deletions carry UID and
// resource version.
//
// An object is written only when the wanted state differs from the one that
// was applied last, or when somebody changed a field that we set. Fields that
// others added are theirs and stay. What an API server, or a webhook, has made of
// an object at its creation is no such change while its generation stays; of a kind
// without one, it is applied over once when the object changes otherwise.
//
// Objects of which none needs the other are written at the same time; the binding
// of a Role comes after the Role, and what runs pods after what these need.
//
// The package knows no Gateway API beyond the owner's identity, and not what
// the objects are for.
package apply
