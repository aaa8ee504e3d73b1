"""What operators run: a folder for each subject, and the ground they share beside it."""
