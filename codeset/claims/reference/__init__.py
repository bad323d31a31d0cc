"""What no file of CMS's holds in a form that a release could seal: dated, cited values as data."""
