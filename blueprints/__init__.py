"""The HTTP layer: one package per group of pages, each with its `blueprint`."""
