"""One run over a data set: what to do, what was done, and what went wrong."""
