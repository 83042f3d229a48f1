"""An Inmanta orchestrator: its settings, compiles, versions, dry runs, deploys and agents, over its REST API."""
