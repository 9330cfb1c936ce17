"""Question sets with known answers, and how well they are answered."""
