"""Full disk: a small file system of its own, filled by a broker's queue."""
