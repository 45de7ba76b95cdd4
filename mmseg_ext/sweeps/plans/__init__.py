"""What is to be done: plan files and command lines become jobs, with what these need beforehand."""
