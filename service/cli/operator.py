"""Who acts when a command changes something: the operator at the machine."""

from audit.model import Actor, ActorKind

OPERATOR = Actor(ActorKind.SYSTEM, "operator-command")
