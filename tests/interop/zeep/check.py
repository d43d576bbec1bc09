"""zeep with a client made from ?wsdl, over SOAP 1.1 and 1.2."""
import sys

import zeep

from results import column
from soap import check

url = sys.argv[1]
for version, port in (("1.1", "ChaingunUserAPIPort"), ("1.2", "ChaingunUserAPISoap12Port")):
    client = f"zeep-{version}"
    service = column(client, "generate", lambda: zeep.Client(url + "?wsdl").bind("ChaingunUserAPIService", port))
    if service:
        check(
            client,
            lambda operation, request: service[operation](request=request),
            lambda fault: (fault.code, fault.message),
        )
