"""The version of seviz: here, so that every file can read it without importing the package's front."""

__version__ = "0.1.0"
