"""Calculation on tables: pure functions on text that has passed the door."""
