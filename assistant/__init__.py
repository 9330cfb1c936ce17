"""Mundap: answers from a company's own documents, for the people who may read them."""
