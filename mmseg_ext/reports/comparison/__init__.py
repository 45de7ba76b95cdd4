"""Many results side by side: what was run, scores with their uncertainty, and which differences mean something."""
