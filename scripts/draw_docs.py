"""Draw docs/*.svg: what the commands of README.md show at a terminal.

    python scripts/draw_docs.py            draw them again
    python scripts/draw_docs.py --check    exit status 1 when one of them is not what would be drawn

Each command runs at a pseudo-terminal of its own, so the pictures show what a user sees; rich's SVG export draws it.
"""

import fcntl
import os
import pty
import re
import struct
import sys
import termios
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parent.parent
PICTURES = {
    "timeline": (118, ["analyze", "captures/neverssl.pcap"]),
    "browse": (118, ["analyze", "captures/browse.pcapng"]),
}
"""{picture: (columns of the terminal, arguments of sniff)}."""

WEB_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def run_at_terminal(arguments: list[str], columns: int) -> str:
    """What sniff writes to a terminal this wide."""
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(ROOT)
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", COLUMNS=str(columns))
        os.execv(sys.executable, [sys.executable, "-m", "sniff", *arguments])
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    written = b""
    try:
        while data := os.read(terminal, 65536):
            written += data
    except OSError:    # on Linux this is how a pseudo-terminal says that the other end is closed
        pass
    if os.waitpid(process, 0)[1]:
        raise SystemExit(f"sniff {' '.join(arguments)} failed:\n{written.decode()}")
    return written.decode().replace("\r\n", "\n")


def draw(name: str) -> str:
    """The picture as SVG, the same text for the same output, with no reference to anything on the web."""
    columns, arguments = PICTURES[name]
    console = Console(record=True, width=columns, file=StringIO(), color_system="truecolor", force_terminal=True)
    console.print(Text.from_ansi(f"$ sniff {' '.join(arguments)}\n{run_at_terminal(arguments, columns).rstrip()}"), soft_wrap=True)
    svg = console.export_svg(title="sniff", unique_id=name)
    return WEB_FONTS.sub("", svg).replace("Fira Code", "ui-monospace")


def main() -> int:
    """Draw or check."""
    stale = []
    for name in PICTURES:
        path = ROOT / "docs" / f"{name}.svg"
        picture = draw(name)
        if not path.exists() or path.read_text() != picture:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in sys.argv:
                path.write_text(picture)
    print(f"{'stale' if '--check' in sys.argv else 'drawn'}: {', '.join(stale) or 'nothing'}")
    return int("--check" in sys.argv and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
