"""Any number of claims in constant memory: parts, worker processes, Spark."""
