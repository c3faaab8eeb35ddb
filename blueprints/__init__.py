"""HTTP and only HTTP: a package per group of screens, each with its `blueprint`."""
