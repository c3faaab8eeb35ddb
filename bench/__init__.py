"""The figures: what the program costs, each beside what the bare thing would cost in the same run."""
