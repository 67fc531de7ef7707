"""How does somebody sign in with an account elsewhere? By OpenID Connect: a code, with PKCE, at several providers."""
