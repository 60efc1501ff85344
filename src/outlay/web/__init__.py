"""The site. Pages are thin: each calls the same functions as the command line and the API."""
