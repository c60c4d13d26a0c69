"""`.proto` text → descriptors → message classes."""
