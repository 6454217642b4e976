"""The outside world: ports, one module for each outside system, and working fakes of them."""
