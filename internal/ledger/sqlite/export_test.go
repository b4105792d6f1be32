package sqlite

// Sabotage runs a statement on the writer's own connection.
func (s *Store) Sabotage(statement string) error {
	s.writer.turn <- struct{}{}
	defer func() { <-s.writer.turn }()
	t := &tx{w: s.writer}
	t.exec(statement)
	return t.err
}

// Batch makes the roll's batches small enough for a test.
func (s *Store) Batch(n int) { s.batch = n }
