"""Data sets on disk: photographs that are read, sets of edits that are written, and what was done to each."""
