"""What the installation does with what it knows of people: keys replaced, persons erased and exported."""
