"""Sources of documents. No Django here; only `assistant.sync` imports this package."""
