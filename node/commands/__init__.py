"""What a node does for a caller. Each command gets a connection and never commits."""
