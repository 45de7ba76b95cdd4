"""The labels of edited photographs, and their review."""
