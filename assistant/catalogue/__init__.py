"""The language models of this installation: which there are, who may use which, and what they take."""
