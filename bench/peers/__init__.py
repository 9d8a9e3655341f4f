"""What others use for the same work, built as well as we know how."""
