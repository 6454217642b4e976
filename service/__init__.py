"""The way in: HTTP, pages, OAuth, command line, jobs and settings."""
