"""Pictures in, a window on the screen that shows them; keys out."""

from jaxtyping import UInt8
from numpy import ndarray

from skelvid.errors import ConfigError

_NO_WINDOW = "leave it out with --no-window, or look in a browser: skelvid app"


class Window:
    """A window with one picture, by Tk, which comes with most Pythons; use it in a `with` statement.

    Attributes:
        closed: Whether the user has closed it.

    Raises:
        ConfigError: This Python has no Tk, or there is no screen.
    """

    def __init__(self, title: str) -> None:
        try:
            import tkinter
        except ImportError as error:
            hint = "Debian: apt-get install python3-tk"
            raise ConfigError(f"this Python has no Tk for a window ({hint}): {_NO_WINDOW}") from error
        try:
            self._root = tkinter.Tk()
        except tkinter.TclError as error:
            raise ConfigError(f"there is no screen for a window ({error}): {_NO_WINDOW}") from error
        self._root.title(title)
        self._label = tkinter.Label(self._root, borderwidth=0, background="#181a1e")
        self._label.pack(expand=True, fill="both")
        self._picture = None
        self._keys: list[str] = []
        self.closed = False
        self._root.bind("<Key>", lambda event: self._keys.append(event.keysym.lower()))
        self._root.protocol("WM_DELETE_WINDOW", self._close)

    def show(self, picture: UInt8[ndarray, "h w 3"]) -> None:
        """Show a picture."""
        from PIL import Image, ImageTk

        image = Image.fromarray(picture)
        if self._picture is None or (self._picture.width(), self._picture.height()) != image.size:
            self._picture = ImageTk.PhotoImage(image, master=self._root)
            self._label.configure(image=str(self._picture))
        else:
            self._picture.paste(image)
        self._root.update()

    def keys(self) -> list[str]:
        """Return which keys were pressed since this was last asked, such as "q" or "escape"."""
        pressed, self._keys = self._keys, []
        return pressed

    def _close(self) -> None:
        self.closed = True

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self._root.destroy()
