package replica

// Slots is of how many scopes something is kept.
func (r *Replica) Slots() int {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return len(r.slots)
}
