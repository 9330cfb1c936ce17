"""From a fetched file to searchable chunks: parse, chunk, embed, index."""
