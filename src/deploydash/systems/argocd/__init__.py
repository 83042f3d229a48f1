"""The site's Argo CD: what its applications deploy, what a sync would change, syncs and what came of them."""
