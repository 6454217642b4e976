"""When to sweep away rows that have had their time.

One insert in 256, by the first byte of a digest that nobody can choose, takes the expired rows
along. So the tables stay as small as the traffic of their lifetime, without a job, and no request
has much to do. What is swept could not be used any more and is about nobody's choice, so it is no
happening of its own.
"""


def sweeps(digest: bytes) -> bool:
    """Whether the insert of this row takes expired ones along."""
    return digest[0] == 0
