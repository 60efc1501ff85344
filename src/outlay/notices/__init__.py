"""Notices: what they say, and how they are sent by e-mail, webhook and Slack. Knows no database."""
