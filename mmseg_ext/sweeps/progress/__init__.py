"""How far the runs are, how long they will take, and what the terminal shows of it."""
