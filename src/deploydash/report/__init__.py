"""A run's journal told for people: Markdown or HTML, and the notice about what was left broken. Pure."""
