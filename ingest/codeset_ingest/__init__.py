"""Reading what CMS publishes: the only place that knows its headers, positions and quirks."""
