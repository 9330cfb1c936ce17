"""What may be asked and said: topics, words and their verdicts."""
