"""The watch over what events may have lost."""
