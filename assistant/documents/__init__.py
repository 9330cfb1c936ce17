"""What is known: documents, their text, chunks, vectors and access lists."""
