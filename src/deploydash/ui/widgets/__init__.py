"""The parts of the watch screen, each drawn line by line."""
