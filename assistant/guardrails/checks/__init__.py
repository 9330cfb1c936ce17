"""One file a check. A check compiles a topic once and then judges texts; none of them touches Django."""
