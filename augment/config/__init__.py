"""Settings of an edit, their presets and their command line."""
