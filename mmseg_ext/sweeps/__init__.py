"""Many runs: from a plan to jobs, to the processes that do them, on one machine or several, and the search."""
