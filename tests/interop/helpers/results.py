"""The result lines of a driver: `PASS client column` and `FAIL client column: reason`."""
import traceback


def column(client, name, check):
    """Runs one check, prints its result and returns what the check returns."""
    try:
        returned = check()
    except Exception as error:
        at = traceback.extract_tb(error.__traceback__)[-1]
        reason = " ".join(f"{type(error).__name__} {error} (line {at.lineno})".split())
        print(f"FAIL {client} {name}: {reason[:300]}", flush=True)
        return None
    print(f"PASS {client} {name}", flush=True)
    return returned


def equal(found, wanted):
    assert found == wanted, f"{found!r}, not {wanted!r}"
