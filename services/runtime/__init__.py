"""What any long-running process needs: clock, tasks, logs, probes."""
