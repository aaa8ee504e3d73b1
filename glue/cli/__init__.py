"""The `glue` commands: they unpack arguments, call the library and print."""
