"""The syncers that come with danhba; each is a plugin like any other."""
