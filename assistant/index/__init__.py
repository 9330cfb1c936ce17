"""The search index: a derived, checksummed cache that only proposes.

It knows chunks, documents and versions by number and nothing about people. Who
may read what is decided above, and handed in as the versions permitted.
"""
