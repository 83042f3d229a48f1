"""Hosts outside Kubernetes, reached over SSH: bridges of cameras, services, checkouts, controllers, cRIOs."""
