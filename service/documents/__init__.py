"""What goes out on paper, or could: letters and newsletters, made from the log and kept as they were sent."""
