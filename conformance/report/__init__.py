"""The page for a reviewer, made of the JSON documents of the commands and of nothing else."""
