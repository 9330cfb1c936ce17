"""What happened: append-only events from a catalogue."""
