"""Mail: how a delivery becomes a message, goes out, comes back, and is turned off."""
