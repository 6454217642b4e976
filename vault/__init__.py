"""Personal data at rest: sealed under the person's own key and opened only on a permit."""
