"""Finding tickets and contacts by words."""
