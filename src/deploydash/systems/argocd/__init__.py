"""The site's Argo CD."""
