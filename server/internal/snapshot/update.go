package snapshot

import "time"

// Listing is the whole content of the store's ranges at one revision.
type Listing struct {
	Epoch    string
	Cluster  uint64 // see Content
	Term     uint64
	Index    uint64
	Revision int64
	Verified time.Time // when the read that proved it was sent
	Scopes   map[ScopeID][]Change
	Schemas  Schemas // nil: they are not known
}

// Batch is a step to a later revision of the same epoch: all changes between, in the
// order they were written. Without changes it says that there were none.
type Batch struct {
	Revision int64
	Changes  map[ScopeID][]Change
	Schemas  Schemas   // that changed
	Unknown  bool      // which schemas there are is not known any more
	Verified time.Time // of a new proof that Revision is current; else zero
	Term     uint64    // what the proof saw; 0: as before
	Index    uint64
}
