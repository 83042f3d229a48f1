"""Everything that a run would touch, asked once from inside of it; an item for each system. Nothing is changed."""
