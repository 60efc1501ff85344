"""The page where administrators say who is told what, and see what was."""
