"""Sources, runs and the engine that carries documents with their permissions into the index."""
