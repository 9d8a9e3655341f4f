"""Files of contacts on their way into a list: reading, mapping, saving, running."""
