"""Files of our own networks: what they say of themselves and their tensors."""

from pathlib import Path

from safetensors import SafetensorError, safe_open
from torch import Tensor

from skelvid.errors import WeightsError


def read_network(path: Path, *, kind: str, form: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    """Return the metadata of a file and its tensors in 32 bits.

    Args:
        path: The file.
        kind: What it should hold, for the message.
        form: The format it must say it has.

    Raises:
        WeightsError: It cannot be read, or holds something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            about = file.metadata() or {}
            state = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise WeightsError(f"{path} cannot be read as network weights: {error}") from error
    if about.get("format") != form:
        raise WeightsError(f"{path} holds no {kind} of format {form} (it says {about.get('format')!r})")
    return about, state
