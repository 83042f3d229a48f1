"""The site's channels."""
