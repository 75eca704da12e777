"""danhba: reads contacts through pluggable syncers, converts their numbers, writes what changed."""

__version__ = "0.1.0"
