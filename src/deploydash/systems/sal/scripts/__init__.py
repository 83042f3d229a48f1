"""Scripts through a ScriptQueue."""
