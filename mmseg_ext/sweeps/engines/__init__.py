"""Where runs are done: processes of this machine or of a cluster, and the process of a run itself."""
