"""Who stands on which side of a consent."""

from enum import StrEnum


class Party(StrEnum):
    """Who may give a command."""

    SUBJECT = "subject"
    GUARDIAN = "guardian"
    ANY_GUARDIAN = "any_guardian"
    MANDATE_HOLDER = "mandate_holder"
    JOINT_SUBJECT = "joint_subject"
    CLIENT = "client"
    SYSTEM = "system"
    CLOCK = "clock"
    REGISTRY = "registry"
    SUPERVISOR = "supervisor"
    COURT = "court"
    CONTROLLER = "controller"
    SAME_PARTY_AS_SUSPENDED = "same_party_as_suspended"
