"""The contract between the sync engine and every source."""
