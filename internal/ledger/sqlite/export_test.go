package sqlite

import "context"

// Sabotage runs a statement on the writer's own connection.
func (s *Store) Sabotage(statement string) error {
	s.writer.turn <- struct{}{}
	defer func() { <-s.writer.turn }()
	_, err := s.writer.conn.ExecContext(context.Background(), statement)
	return err
}

// Batch makes the roll's batches small enough for a test.
func (s *Store) Batch(n int) { s.batch = n }
