"""Where the rooms are joined: a video in, results out; the only package that knows them all.

`estimate.estimate` is for programs, `folder.run_video` for whoever wants files, `live.stream` for live use.
"""
