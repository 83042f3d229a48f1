"""Outside systems to observations; one module or small group of modules per system."""
