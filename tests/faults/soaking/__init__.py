"""The soak: mixed load with churn for a long time, and what becomes of the broker's memory."""
