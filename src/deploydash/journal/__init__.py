"""One run's journal: JSON Lines, one record a line, numbered, chained by hash, flushed to disk before anything acts."""
