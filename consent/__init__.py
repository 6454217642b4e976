"""Who may have what, for what, on which ground and until when."""
