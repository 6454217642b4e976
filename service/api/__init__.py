"""The data API, the log over HTTP, and what an operator watches."""
