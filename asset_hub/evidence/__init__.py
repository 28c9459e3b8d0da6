"""Evidence for a court: everything known about a licence in one file that is checked without us."""
