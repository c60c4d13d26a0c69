"""The protobuf wire format: bytes ↔ values. Knows no `.proto` file and no socket."""
