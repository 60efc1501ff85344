"""Bills that several connections hold."""
