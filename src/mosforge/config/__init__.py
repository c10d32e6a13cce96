"""The configuration as types: a module for each section, where each key is described once.

From these types come the JSON schema, the page of all keys, the comments of `config.yaml`, and the sentences
about what is wrong.
"""
