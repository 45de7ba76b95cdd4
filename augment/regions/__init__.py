"""Where an edit happens: windows of a photograph, edit regions, putting edits back."""
