"""Pages in a browser, served by this machine to itself: a camera's joint angles live, and videos turned into results.

Nothing is asked of any other machine. See docs/live.md.
"""
