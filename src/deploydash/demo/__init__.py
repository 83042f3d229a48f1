"""The demo observatory: a process of its own that speaks the real protocols on loopback."""
