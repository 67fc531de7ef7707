"""Who is who, and who may do what: people and parties in the vault, tokens, permissions."""
