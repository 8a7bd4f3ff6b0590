"""The shared vocabulary: what the services say to each other, and nothing else."""
