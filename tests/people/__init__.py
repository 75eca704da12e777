"""A local People API, built from the discovery document that the client library ships."""

from tests.people.account import Account, numbers_of
from tests.people.discovery import Refusal
from tests.people.faults import Fault, Quota
from tests.people.server import PeopleApi
from tests.people.tokens import CONTACTS, READONLY

__all__ = [
    "CONTACTS",
    "READONLY",
    "Account",
    "Fault",
    "PeopleApi",
    "Quota",
    "Refusal",
    "numbers_of",
]
