package endpoint

// Open is how many streams there are.
func (s *Standing) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.streams)
}
