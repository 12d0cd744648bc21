"""What several files say in the same words."""

from skelvid.datatypes.result import Result

NOT_MEDICAL = "skelvid is not a medical device: do not base a diagnosis or a treatment on it"


def describe_lengths(result: Result) -> str:
    """Say what the lengths rest on."""
    believed = f"the network believes {result.believed_height_m:.2f} m"
    if result.typed_height_m is None:
        return f"lengths are not scaled: no height was given, {believed}"
    return f"lengths are scaled to the height given, {result.typed_height_m:.2f} m; {believed}"


def describe_zero(result: Result) -> str:
    """Say what angles count from."""
    neutral_s = result.settings.get("motion", {}).get("neutral_s")
    if not neutral_s:
        return "angles count from the body's own zeros"
    return f"angles count from how the person stood from {neutral_s[0]:g} to {neutral_s[1]:g} s"


def describe_versions(result: Result) -> str:
    """Say in one line what the result was made with."""
    return "made with " + ", ".join(f"{name} {version}" for name, version in result.versions.items())
