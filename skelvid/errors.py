"""Errors that a user can cause: the command line shows the message, without traceback, and exits with 2."""


class SkelvidError(Exception):
    """Base of all errors whose message is meant for the user."""


class ConfigError(SkelvidError):
    """A setting is unknown or has a value that is not allowed."""


class VideoError(SkelvidError):
    """A video cannot be read, or holds nothing to work on."""


class AssetError(SkelvidError):
    """A body file is missing, damaged or of another version."""


class WeightsError(SkelvidError):
    """A checkpoint is missing, damaged or does not fit the network."""
