"""Site files: YAML text to a model, or every problem with file, line, key and hint."""
