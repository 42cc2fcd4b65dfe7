"""What client and server must agree on byte for byte. Pure: no files, no network, no clock."""
