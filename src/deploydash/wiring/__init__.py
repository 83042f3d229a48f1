"""The only place that knows concrete classes."""
