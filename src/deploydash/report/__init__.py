"""A run's journal in words, for people: Markdown or HTML, and the notice about what was left broken. Pure."""
