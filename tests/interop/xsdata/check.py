"""xsdata with the classes that it generates of ?wsdl; its names have underscores."""
import re
import sys

from xsdata.formats.dataclass.client import Client

from results import column
from soap import check


class Fault(Exception):
    pass


class Fields:
    """An object whose members have the names of the schema."""

    def __init__(self, value):
        self.inner = value

    def __getattr__(self, name):
        member = getattr(self.inner, re.sub("([A-Z])", lambda capital: "_" + capital[0].lower(), name))
        if isinstance(member, list):
            return [entry if isinstance(entry, str) else Fields(entry) for entry in member]
        return Fields(member) if hasattr(member, "__dataclass_fields__") else member


def generated():
    import gateway

    return gateway


def call(operation, request):
    service = getattr(gateway, "ChaingunUserApi" + operation[0].upper() + operation[1:])
    client = Client.from_service(service, encoding="utf-8")
    body = Fields(client.send({"Body": {operation: {"request": request}}})).body
    if body.fault:
        assert body.fault.detail.fault.code, "no detail"
        raise Fault(body.fault.faultcode, body.fault.faultstring)
    return getattr(body, operation + "Response").response


gateway = column("xsdata", "generate", generated)
if gateway:
    check("xsdata", call, lambda fault: fault.args)
