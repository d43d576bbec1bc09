"""PySimpleSOAP with a client made from ?wsdl."""
import sys

from pysimplesoap.client import SoapClient, SoapFault

from results import column
from soap import check

url = sys.argv[1]


class Fields(dict):
    """A dictionary whose members are attributes."""

    def __getattr__(self, name):
        return self.get(name)


def fields(value):
    if isinstance(value, dict):
        # A user has a list in it, so that the client reads a list of users.
        user = value.get("user")
        members = {**value, "user": user[0]} if isinstance(user, list) else value
        return Fields({name: fields(member) for name, member in members.items()})
    return [fields(entry) for entry in value] if isinstance(value, list) else value


def arguments(value):
    """The client takes a list of texts in a wrapper as a list of wrappers."""
    if not isinstance(value, dict):
        return value
    ((name, entries),) = value.items() if len(value) == 1 else ((None, None),)
    if isinstance(entries, list) and isinstance(entries[0], str):
        return [{name: entry} for entry in entries]
    return {name: arguments(member) for name, member in value.items()}


client = column("pysimplesoap", "generate", lambda: SoapClient(wsdl=url + "?wsdl"))


def call(operation, request):
    return fields(getattr(client, operation)(request=arguments(request)))["response"]


def fault_of(fault):
    assert isinstance(fault, SoapFault), repr(fault)
    return fault.faultcode, fault.faultstring


if client:
    check("pysimplesoap", call, fault_of)
