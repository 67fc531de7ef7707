"""Everything that touches the world: database, broker, web, command line."""
