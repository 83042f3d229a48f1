"""Values in, lines out: no Textual."""
