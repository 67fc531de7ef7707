"""The pages: server-rendered, thin over the same commands and views as the API."""
