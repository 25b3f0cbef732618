"""The version, alone, so that neither the build nor `sniff --version` imports the package."""

__version__ = "0.1.0"
