"""The site's Kubernetes cluster."""
