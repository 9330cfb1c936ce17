"""Models: embedders that turn text into vectors, chat models that turn evidence into answers."""
