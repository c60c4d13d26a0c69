"""The `barewire` command."""
