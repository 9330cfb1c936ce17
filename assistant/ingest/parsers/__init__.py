"""One file per format. Parsers know no Django and run only inside the sandbox process."""
